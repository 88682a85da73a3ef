/** The newest notice of the hub. It takes its own row, so that it covers nothing, and goes by itself. */
import { Link, useRouterState } from '@tanstack/react-router'
import { X } from 'lucide-react'
import { useEffect, useState } from 'react'
import { live } from '../api/queries'
import type { Notice } from '../live/events'
import { IconButton } from './button'

const SHOWN_MS = 10_000

export function NoticeLine() {
  const [notice, setNotice] = useState<Notice>()
  const here = useRouterState({ select: (state) => state.location.pathname })
  useEffect(() => live.onNotice(setNotice), [])
  useEffect(() => {
    if (!notice) return
    const timer = setTimeout(() => setNotice(undefined), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [notice])
  // Who looks at the session sees what happens in it.
  const shown = notice && notice.url !== here ? notice : undefined
  return (
    <div role="status" className="safe-x bg-raised text-sm">
      {shown && (
        <div className="flex items-center border-b border-line">
          <Link
            to="/sessions/$sessionId"
            params={{ sessionId: shown.sessionId }}
            onClick={() => setNotice(undefined)}
            className="flex min-h-11 min-w-0 flex-1 items-center gap-2 px-4 py-1 hover:underline"
          >
            <span className="shrink-0 font-medium">{shown.title}</span>
            <span className="truncate text-muted">{shown.body}</span>
          </Link>
          <IconButton label="Dismiss" onClick={() => setNotice(undefined)} className="min-h-11">
            <X className="size-4" aria-hidden="true" />
          </IconButton>
        </div>
      )}
    </div>
  )
}
