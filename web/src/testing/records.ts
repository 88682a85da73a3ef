/** Builders of wire records for tests; each test names only what it is about. */
import type { Message, MessagePage, Session, SessionSummary } from '../api/types'

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
    activeTurnStartedAt: null,
    todosUpdatedAt: 0,
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
