/** Who this session is and how it stands. */
import { Link } from '@tanstack/react-router'
import { ArrowLeft, ChevronRight, GitBranch } from 'lucide-react'
import type { Session } from '../../api/types'
import { INPUT_TOOLS, openRequests } from '../../live/session'
import { agentName } from '../sessions/flavors'
import { titleOf } from '../sessions/list'
import { StatusChip } from '../sessions/status-chip'
import { PlanList } from './tool-body'

export function ChatHeader({ session }: { session: Session }) {
  const pending = openRequests(session.agentState).map(([, request]) => ({
    tool: request.tool,
    kind: INPUT_TOOLS.has(request.tool) ? ('input' as const) : ('permission' as const),
    since: request.createdAt ?? session.updatedAt,
  }))
  const branch = session.metadata?.worktree?.branch
  const todos = session.todos ?? []
  return (
    <header className="border-b border-line bg-surface">
      <div className="flex items-center gap-1 py-2 pr-4 pl-1 md:pl-4">
        <Link
          to="/sessions"
          aria-label="Back to sessions"
          className="flex size-11 shrink-0 items-center justify-center rounded-lg hover:bg-raised md:hidden"
        >
          <ArrowLeft className="size-5" aria-hidden="true" />
        </Link>
        <div className="min-w-0">
          <h1 className="leading-snug font-semibold break-words">{titleOf(session)}</h1>
          <div className="mt-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-muted">
            <StatusChip id={session.id} facts={{ ...session, pending }} />
            <span>{agentName(session.metadata?.flavor)}</span>
            {session.model && <span>{session.model}</span>}
            {branch && (
              <span className="inline-flex items-center gap-1">
                <GitBranch className="size-3" aria-hidden="true" />
                {branch}
              </span>
            )}
          </div>
        </div>
      </div>
      {todos.length > 0 && (
        <details className="group border-t border-line text-sm">
          <summary className="flex min-h-11 items-center gap-1 px-4 text-muted">
            <ChevronRight className="size-4 group-open:rotate-90" aria-hidden="true" />
            todo {todos.filter((todo) => todo.status === 'completed').length}/{todos.length}
            <span className="ml-1 min-w-0 truncate">
              {todos.find((todo) => todo.status === 'in_progress')?.content ?? ''}
            </span>
          </summary>
          <div className="max-h-[40dvh] overflow-y-auto px-4 pb-3">
            <PlanList entries={todos} />
          </div>
        </details>
      )}
    </header>
  )
}
