/** One pure function from what the page holds and one event to what it holds next. No I/O, no clock. */
import type { Contact, Decision, Session, SessionSummary } from '../api/types'
import type { HubEvent } from './events'
import { isFullSession, isPatch, mergeSession, patchSession, patchSummary, toSummary } from './session'
import { type Transcript, withMessage, withoutMessage, withQueued } from './transcript'

/** Decisions by request; see `decisionKey`. */
export type Decisions = Readonly<Record<string, Decision>>

/** Contact with the agents, by session; a session that nobody has told of is left out. */
export type Contacts = Readonly<Record<string, Contact>>

/** What the page holds: what concerns all sessions, and the parts that belong to the event's session. */
export interface Held {
  sessions?: SessionSummary[] | undefined
  contacts?: Contacts | undefined
  session?: Session | undefined
  transcript?: Transcript | undefined
  decisions?: Decisions | undefined
}

export type Part = 'sessions' | 'session' | 'transcript'

export interface Reduced {
  held: Held
  /** Parts that must be read again, because the event does not carry them. */
  reread: Part[]
}

/** Request ids come back, so a decision belongs to an id and the time it was asked. */
export function decisionKey(requestId: string, requestCreatedAt: number | null | undefined): string {
  return `${requestId}@${requestCreatedAt ?? 0}`
}

export function withDecision(decisions: Decisions, decision: Decision): Decisions {
  return { ...decisions, [decisionKey(decision.requestId, decision.requestCreatedAt)]: decision }
}

export function reduce(held: Held, event: HubEvent): Reduced {
  switch (event.type) {
    case 'session-added':
    case 'session-updated':
      return sessionUpdated(held, event.sessionId, event.data)
    case 'session-removed':
      return done({
        sessions: held.sessions?.filter((row) => row.id !== event.sessionId),
        session: undefined,
        transcript: undefined,
        decisions: undefined,
        contacts: held.contacts,
      })
    case 'session-contact':
      return done({ ...held, contacts: { ...held.contacts, [event.sessionId]: event.contact } })
    case 'decision-updated':
      return done({ ...held, decisions: held.decisions && withDecision(held.decisions, event.decision) })
    case 'message-received':
      return transcriptChanged(held, (transcript) => withMessage(transcript, event.message))
    case 'messages-consumed':
      return transcriptChanged(held, (transcript) =>
        withQueued(transcript, event.localIds, ({ deliveryState: _, ...row }) => ({
          ...row,
          invokedAt: event.invokedAt,
        })),
      )
    case 'messages-indeterminate':
      return transcriptChanged(held, (transcript) =>
        withQueued(transcript, event.localIds, (row) => ({ ...row, deliveryState: 'indeterminate' })),
      )
    case 'messages-requeued':
      return transcriptChanged(held, (transcript) =>
        withQueued(transcript, event.localIds, ({ deliveryState: _, ...row }) => row),
      )
    case 'message-cancelled':
      return transcriptChanged(held, (transcript) => {
        const rest = withoutMessage(transcript, event.messageId)
        return event.localId === undefined ? rest : withoutMessage(rest, event.localId)
      })
    case 'messages-invalidated':
      return { held, reread: ['transcript'] }
    case 'connection-changed':
    case 'heartbeat':
    case 'toast':
      return done(held)
  }
}

function sessionUpdated(held: Held, sessionId: string, data: unknown): Reduced {
  if (isFullSession(data, sessionId)) {
    const session = held.session ? mergeSession(held.session, data) : undefined
    const known = held.sessions?.find((row) => row.id === sessionId)
    const summary = toSummary(data, known)
    const sessions = known
      ? replaced(held.sessions, sessionId, () => summary)
      : held.sessions && [...held.sessions, summary]
    return done({ ...held, session, sessions })
  }
  if (!isPatch(data)) return { held, reread: ['sessions', 'session'] }
  const listed = held.sessions?.some((row) => row.id === sessionId) ?? true
  return {
    held: {
      ...held,
      session: held.session && patchSession(held.session, data),
      sessions: replaced(held.sessions, sessionId, (row) => patchSummary(row, data)),
    },
    reread: listed ? [] : ['sessions'],
  }
}

function transcriptChanged(held: Held, change: (transcript: Transcript) => Transcript): Reduced {
  return done(held.transcript ? { ...held, transcript: change(held.transcript) } : held)
}

function replaced(
  rows: SessionSummary[] | undefined,
  id: string,
  change: (row: SessionSummary) => SessionSummary,
): SessionSummary[] | undefined {
  return rows?.map((row) => (row.id === id ? change(row) : row))
}

function done(held: Held): Reduced {
  return { held, reread: [] }
}
