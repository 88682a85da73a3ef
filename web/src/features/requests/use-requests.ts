/** The requests of a session that a card is shown for: the open ones, and for a moment those just closed. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { decisionsQuery } from '../../api/queries'
import type { CompletedRequest, Decision, PermissionRequest, Session } from '../../api/types'
import { type Decisions, decisionKey } from '../../live/reduce'
import { openRequests } from '../../live/session'

const CLOSED_STAYS_MS = 10_000
const NONE: Decisions = {}

export interface RequestView {
  id: string
  key: string
  /** Of the agent that asks. */
  flavor: string
  request: PermissionRequest
  decision: Decision | undefined
  completed: CompletedRequest | undefined
  gone: boolean
}

export function useRequests(session: Session): RequestView[] {
  const { data: decisions = NONE } = useQuery(decisionsQuery(session.id))
  const flavor = session.metadata?.flavor ?? 'claude'
  const [shown, setShown] = useState<ReadonlyMap<string, RequestView>>(new Map())
  const open = useMemo(() => openRequests(session.agentState), [session.agentState])

  const views = useMemo(() => {
    const completed = session.agentState?.completedRequests ?? {}
    const result = new Map<string, RequestView>()
    for (const [key, view] of shown) {
      result.set(key, { ...view, decision: decisions[key], completed: completed[view.id], gone: true })
    }
    for (const [id, request] of open) {
      const key = decisionKey(id, request.createdAt)
      result.set(key, { id, key, flavor, request, decision: decisions[key], completed: undefined, gone: false })
    }
    return result
  }, [open, shown, decisions, flavor, session.agentState])

  const missing = [...views.keys()].filter((key) => !shown.has(key)).join('\n')
  useEffect(() => {
    if (missing) setShown(views)
  }, [missing, views])

  const closed = [...views.values()]
    .filter((view) => view.gone)
    .map((view) => view.key)
    .join('\n')
  useEffect(() => {
    if (!closed) return
    const keys = closed.split('\n')
    const timer = setTimeout(() => {
      setShown((known) => new Map([...known].filter(([key]) => !keys.includes(key))))
    }, CLOSED_STAYS_MS)
    return () => clearTimeout(timer)
  }, [closed])

  return [...views.values()]
}
