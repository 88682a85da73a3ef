/** Which sessions wait for a person, and for how many requests. Pure. */
import type { SessionSummary } from '../../api/types'

export function waitingFirst(rows: SessionSummary[]): SessionSummary[] {
  return rows.filter((row) => row.active && row.pendingRequestsCount > 0).toSorted((a, b) => oldest(a) - oldest(b))
}

export function waitingCount(rows: SessionSummary[]): number {
  return rows.reduce((sum, row) => (row.active ? sum + row.pendingRequestsCount : sum), 0)
}

function oldest(row: SessionSummary): number {
  return row.pendingRequests[0]?.since ?? row.updatedAt
}
