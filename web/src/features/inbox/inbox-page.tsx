/** Everything that waits for a person, over all sessions, oldest first. */
import { useQueries, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import { messageOf } from '../../api/errors'
import { sessionQuery, sessionsQuery } from '../../api/queries'
import type { Session, SessionSummary } from '../../api/types'
import { RequestCard } from '../requests/request-card'
import { useRequests } from '../requests/use-requests'
import { agentName } from '../sessions/flavors'
import { titleOf } from '../sessions/list'
import { StatusChip } from '../sessions/status-chip'
import { useInboxKeys } from './use-inbox-keys'
import { waitingFirst } from './waiting'

export default function InboxPage() {
  const { data: rows, error } = useQuery(sessionsQuery)
  const ids = useShownSessions(rows)
  const sessions = useQueries({ queries: ids.map((id) => sessionQuery(id)) })
  const running = (rows ?? []).filter((row) => row.active && row.thinking && row.pendingRequestsCount === 0)
  const anyWaits = rows?.some((row) => row.active && row.pendingRequestsCount > 0)
  const box = useRef<HTMLDivElement>(null)
  useInboxKeys(box)
  return (
    <div ref={box} className="min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto w-full max-w-3xl space-y-6 p-4">
        <div className="flex flex-wrap items-baseline justify-between gap-2">
          <h1 className="text-lg font-semibold">Inbox</h1>
          {anyWaits && (
            <p className="hidden text-sm text-muted pointer-fine:block">
              <kbd>j</kbd> <kbd>k</kbd> move, <kbd>a</kbd> approve, <kbd>d</kbd> deny
            </p>
          )}
        </div>
        {error && !rows && <p role="alert">{messageOf(error)}</p>}
        {sessions.map(({ data }) => data && <Asked key={data.id} session={data} />)}
        {anyWaits === false && <p>Nothing waits for you.</p>}
        {running.length > 0 && <Running rows={running} />}
      </div>
    </div>
  )
}

/** A session stays on the page after its last answer, so that the person sees who won. */
function useShownSessions(rows: SessionSummary[] | undefined): string[] {
  const waiting = useMemo(() => waitingFirst(rows ?? []).map((row) => row.id), [rows])
  const [seen, setSeen] = useState<string[]>([])
  const news = waiting.filter((id) => !seen.includes(id))
  useEffect(() => {
    if (news.length > 0) setSeen((known) => [...known, ...news.filter((id) => !known.includes(id))])
  }, [news])
  return [...waiting, ...seen.filter((id) => !waiting.includes(id))]
}

function Asked({ session }: { session: Session }) {
  const requests = useRequests(session)
  if (requests.length === 0 || !session.active) return null
  return (
    <section className="space-y-2">
      <h2 className="text-sm">
        <Link
          to="/sessions/$sessionId"
          params={{ sessionId: session.id }}
          className="inline-flex min-h-11 flex-wrap items-center gap-x-2 rounded-lg font-medium underline-offset-2 hover:underline"
        >
          <span className="break-words">{titleOf(session)}</span>
          <span className="font-normal text-muted">
            {agentName(session.metadata?.flavor)} · {session.metadata?.host ?? ''}
          </span>
        </Link>
      </h2>
      {requests.map((view) => (
        <RequestCard key={view.key} sessionId={session.id} view={view} />
      ))}
    </section>
  )
}

function Running({ rows }: { rows: SessionSummary[] }) {
  return (
    <section>
      <h2 className="mb-1 text-sm font-semibold text-muted">Running now</h2>
      <ul>
        {rows.map((row) => (
          <li key={row.id}>
            <Link
              to="/sessions/$sessionId"
              params={{ sessionId: row.id }}
              className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 rounded-lg py-2 hover:bg-raised"
            >
              <span className="min-w-0 break-words">{titleOf(row)}</span>
              <StatusChip id={row.id} facts={{ ...row, pending: row.pendingRequests }} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}
