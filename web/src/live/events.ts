/** Events of the hub's stream that this page uses. Any other type is passed over. */
import type { AgentState, Contact, Decision, Message, Session, Todo } from '../api/types'

interface Versioned<T> {
  version: number
  value: T
}

export interface SessionPatch {
  active?: boolean
  activeAt?: number
  updatedAt?: number
  thinking?: boolean
  activeTurnStartedAt?: number | null
  metadata?: Versioned<Session['metadata']>
  agentState?: Versioned<AgentState | null>
  todos?: Versioned<Todo[]>
  teamState?: Versioned<unknown>
  model?: string | null
  modelReasoningEffort?: string | null
  effort?: string | null
  serviceTier?: string | null
  permissionMode?: string
  collaborationMode?: string
  copilotAgentMode?: string
  backgroundTaskCount?: number
  scratchlistUpdatedAt?: number
}

/** What the hub wants a person to know who is looking. */
export interface Notice {
  title: string
  body: string
  sessionId: string
  /** The page that it is about. */
  url: string
}

export type HubEvent =
  | { type: 'connection-changed'; data: { status: 'connected'; subscriptionId: string; resume: 'ok' | 'gap' } }
  | { type: 'heartbeat' }
  | { type: 'toast'; data: Notice }
  | { type: 'session-added'; sessionId: string; data: Session }
  | { type: 'session-updated'; sessionId: string; data?: Session | SessionPatch }
  | { type: 'session-removed'; sessionId: string }
  | { type: 'session-contact'; sessionId: string; contact: Contact }
  | { type: 'decision-updated'; sessionId: string; decision: Decision }
  | { type: 'message-received'; sessionId: string; message: Message }
  | { type: 'messages-consumed'; sessionId: string; localIds: string[]; invokedAt: number }
  | { type: 'messages-indeterminate'; sessionId: string; localIds: string[] }
  | { type: 'messages-requeued'; sessionId: string; localIds: string[] }
  | { type: 'message-cancelled'; sessionId: string; messageId: string; localId?: string }
  | { type: 'messages-invalidated'; sessionId: string }

const KNOWN = new Set<string>([
  'connection-changed',
  'heartbeat',
  'toast',
  'session-added',
  'session-updated',
  'session-removed',
  'session-contact',
  'decision-updated',
  'message-received',
  'messages-consumed',
  'messages-indeterminate',
  'messages-requeued',
  'message-cancelled',
  'messages-invalidated',
] satisfies HubEvent['type'][])

/** Reads one frame's data; unknown types and broken JSON give nothing. */
export function parseEvent(data: string): HubEvent | undefined {
  try {
    const value: unknown = JSON.parse(data)
    const type = (value as { type?: unknown } | null)?.type
    return typeof type === 'string' && KNOWN.has(type) ? (value as HubEvent) : undefined
  } catch {
    return undefined
  }
}
