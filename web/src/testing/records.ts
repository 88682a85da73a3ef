/** Builders of wire records for tests; each test names only what it is about. */
import type { Decision, Message, MessagePage, Session, SessionSummary } from '../api/types'

export function aSession(fields: Partial<Session> = {}): Session {
  return {
    id: 's1',
    seq: 1,
    createdAt: 1,
    updatedAt: 1,
    active: true,
    activeAt: 1,
    metadata: { path: '/home/dev/shop', host: 'box', flavor: 'claude' },
    metadataVersion: 1,
    agentState: {},
    agentStateVersion: 1,
    thinking: false,
    thinkingAt: 0,
    activeTurnStartedAt: null,
    backgroundTaskCount: 0,
    hasConversationContent: true,
    namespace: 'default',
    pinned: false,
    globalPinned: false,
    todosUpdatedAt: 0,
    teamStateUpdatedAt: 0,
    model: null,
    modelReasoningEffort: null,
    effort: null,
    serviceTier: null,
    ...fields,
  }
}

export function aSummary(fields: Partial<SessionSummary> = {}): SessionSummary {
  return {
    id: 's1',
    active: true,
    thinking: false,
    activeAt: 1,
    updatedAt: 1,
    metadata: { path: '/home/dev/shop', flavor: 'claude' },
    metadataVersion: 1,
    agentStateVersion: 1,
    todosUpdatedAt: 0,
    todoProgress: null,
    pendingRequestsCount: 0,
    pendingRequestKinds: [],
    pendingRequests: [],
    hasConversationContent: true,
    backgroundTaskCount: 0,
    futureScheduledMessageCount: 0,
    nextScheduledAt: null,
    unread: false,
    pinned: false,
    globalPinned: false,
    model: null,
    modelReasoningEffort: null,
    effort: null,
    ...fields,
  }
}

export function aDecision(fields: Partial<Decision> = {}): Decision {
  return {
    requestId: 'r',
    requestCreatedAt: 1,
    approved: true,
    answer: {},
    state: 'pending',
    by: '1',
    from: '10.0.0.7 Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36',
    at: 1,
    ...fields,
  }
}

let seq = 0

export function aMessage(fields: Partial<Message> = {}): Message {
  seq += 1
  const createdAt = fields.createdAt ?? seq
  return {
    id: `m${seq}`,
    seq,
    localId: null,
    content: { role: 'user', content: { type: 'text', text: 'hello' } },
    createdAt,
    invokedAt: createdAt,
    ...fields,
  }
}

export function aPage(messages: Message[], page: Partial<MessagePage['page']> = {}): MessagePage {
  return {
    messages,
    page: {
      direction: 'latest',
      limit: 50,
      epoch: 0,
      reset: false,
      nextBeforeSeq: null,
      nextBeforeAt: null,
      nextAfterSeq: null,
      nextAfterAt: null,
      snapshotHeadSeq: null,
      snapshotHeadAt: null,
      hasMore: false,
      ...page,
    },
  }
}
