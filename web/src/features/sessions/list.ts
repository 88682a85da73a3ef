/** Titles, groups, search and order of the session list. Pure. */
import type { Session, SessionSummary } from '../../api/types'

export interface Group {
  path: string
  name: string
  rows: SessionSummary[]
}

export function titleOf({ id, metadata }: Pick<Session | SessionSummary, 'id' | 'metadata'>): string {
  const candidates = [metadata?.name, metadata?.summary?.text, lastPart(metadata?.path)]
  return candidates.find((text) => text?.trim())?.trim() ?? id.slice(0, 8)
}

export function isArchived(row: SessionSummary): boolean {
  return !row.active && row.metadata?.lifecycleState === 'archived'
}

/** Empty sessions that nobody can come back to are left out, as are those that do not match the search. */
export function visible(rows: SessionSummary[], search: string): SessionSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return rows.filter((row) => isWorthShowing(row) && words.every((word) => haystack(row).includes(word)))
}

/** Folders in order of their liveliest session; inside, those that wait come first, then the newest. */
export function groupByFolder(rows: SessionSummary[]): Group[] {
  const groups = new Map<string, Group>()
  for (const row of rows.toSorted(byUrgency)) {
    const path = row.metadata?.worktree?.basePath ?? row.metadata?.path ?? ''
    const group = groups.get(path) ?? { path, name: lastPart(path) ?? 'No folder', rows: [] }
    group.rows.push(row)
    groups.set(path, group)
  }
  return [...groups.values()]
}

function byUrgency(a: SessionSummary, b: SessionSummary): number {
  return urgency(b) - urgency(a) || b.updatedAt - a.updatedAt || a.id.localeCompare(b.id)
}

function urgency(row: SessionSummary): number {
  if (row.active) return row.pendingRequestsCount > 0 ? 4 : 3
  return row.globalPinned || row.pinned ? 2 : 1
}

function isWorthShowing(row: SessionSummary): boolean {
  if (row.active || row.pinned || row.globalPinned || row.metadata?.agentSessionId) return true
  return row.hasConversationContent !== false
}

function haystack(row: SessionSummary): string {
  const { metadata } = row
  return [titleOf(row), metadata?.path, metadata?.flavor, metadata?.worktree?.branch, row.id]
    .filter(Boolean)
    .join('\n')
    .toLowerCase()
}

function lastPart(path: string | undefined): string | undefined {
  return path?.split(/[/\\]/).filter(Boolean).at(-1)
}
