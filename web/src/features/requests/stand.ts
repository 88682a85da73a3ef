/** How far the answer to a request got, from what this page did and what the hub told. Pure. */
import type { CompletedRequest, Decision, Delivery } from '../../api/types'
import { originOf } from './origin'

/** What this page knows of its own answer. */
export interface OwnAnswer {
  approved: boolean
  phase: 'sending' | 'sent' | 'failed'
  delivery?: Delivery
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
  if (decision?.state === 'confirmed') return { kind: 'closed', text: `${decided(decision)}.${lost(own, decision)}` }
  if (gone) return { kind: 'closed', text: 'The agent closed this request.' }
  if (own?.phase === 'sending') return { kind: 'under-way', text: 'Sending…' }
  if (decision?.state === 'released') return { kind: 'open', note: 'The agent did not take the answer. Decide again.' }
  if (decision) {
    const late = own && own.approved !== decision.approved ? 'Someone was faster: ' : ''
    return { kind: 'under-way', text: `${late}${decided(decision)}. ${WHERE[decision.state] ?? WITH_AGENT}` }
  }
  if (own?.phase === 'sent') {
    const where = own.delivery === 'pending' ? WITH_HUB : WITH_AGENT
    return { kind: 'under-way', text: `Sent: ${own.approved ? 'approve' : 'deny'}. ${where}` }
  }
  return { kind: 'open', note: own?.error }
}

const WITH_HUB = 'The hub keeps it until the agent is back.'
const WITH_AGENT = 'Waiting for the agent to go on.'
const WHERE: Record<string, string> = { pending: WITH_HUB, delivered: WITH_AGENT }

function closedText(completed: CompletedRequest, own: OwnAnswer | undefined, decision: Decision | undefined): string {
  if (completed.status === 'canceled') return 'Cancelled by the agent.'
  const approved = completed.status !== 'denied'
  const done = completed.status === 'resolved' ? 'Answered' : verb(approved)
  return `${done}${origin(decision)}.${lost(own, { approved })}`
}

function lost(own: OwnAnswer | undefined, end: { approved: boolean }): string {
  return own && own.phase !== 'failed' && own.approved !== end.approved ? ' Another answer came first.' : ''
}

function decided(decision: Decision): string {
  return `${verb(decision.approved)}${origin(decision)}`
}

function verb(approved: boolean): string {
  return approved ? 'Approved' : 'Denied'
}

function origin(decision: Decision | undefined): string {
  return decision ? ` (${originOf(decision.from)})` : ''
}
