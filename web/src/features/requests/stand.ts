/** How far the answer to a request got, from what this page did and what the hub told. Pure. */
import type { CompletedRequest, Decision } from '../../api/types'

/** What this page knows of its own answer. */
export interface OwnAnswer {
  approved: boolean
  phase: 'sending' | 'sent' | 'failed'
  error?: string
  /** The answer that the hub had already taken when ours came. */
  winner?: Decision | undefined
}

export type Stand =
  | { kind: 'open'; note?: string | undefined }
  | { kind: 'under-way'; text: string }
  | { kind: 'closed'; text: string }

export function standOf(own?: OwnAnswer, told?: Decision, completed?: CompletedRequest, gone = false): Stand {
  const decision = told ?? own?.winner
  if (completed) return { kind: 'closed', text: closedText(completed, own, decision) }
  if (decision?.state === 'dropped') return { kind: 'closed', text: 'The request ended before an answer reached it.' }
  if (decision?.state === 'confirmed') return { kind: 'closed', text: `${verb(decision.approved)}${byWhom(decision)}.` }
  if (gone) return { kind: 'closed', text: 'The agent closed this request.' }
  if (decision?.state === 'released') {
    if (own?.phase === 'sending') return { kind: 'under-way', text: 'Sending…' }
    return { kind: 'open', note: 'The agent did not take the answer. Decide again.' }
  }
  if (decision) {
    const late = own && own.approved !== decision.approved ? 'Someone was faster: ' : ''
    const where = decision.state === 'pending' ? 'stored on the hub, waits for the agent' : 'with the agent'
    return { kind: 'under-way', text: `${late}${verb(decision.approved)}${byWhom(decision)}: ${where}.` }
  }
  if (own?.phase === 'sending') return { kind: 'under-way', text: 'Sending…' }
  if (own?.phase === 'sent')
    return { kind: 'under-way', text: `Sent: ${own.approved ? 'approve' : 'deny'}. Waiting for the agent.` }
  return { kind: 'open', note: own?.error }
}

function closedText(completed: CompletedRequest, own: OwnAnswer | undefined, decision: Decision | undefined): string {
  if (completed.status === 'canceled') return 'Cancelled by the agent.'
  const approved = completed.status !== 'denied'
  const lost = own?.phase !== 'failed' && own !== undefined && own.approved !== approved
  const done = completed.status === 'resolved' ? 'Answered' : verb(approved)
  return `${done}${byWhom(decision)}.${lost ? ' Another answer came first.' : ''}`
}

function verb(approved: boolean): string {
  return approved ? 'Approved' : 'Denied'
}

function byWhom(decision: Decision | undefined): string {
  return decision?.by ? ` by ${decision.by}` : ''
}
