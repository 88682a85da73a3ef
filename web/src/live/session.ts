/** How patches and whole sessions change what is known of a session. Versioned parts never go back. */
import type { AgentState, PermissionRequest, Session, SessionSummary, Todo } from '../api/types'
import type { SessionPatch } from './events'

const PATCH_KEYS = new Set<string>([
  'active',
  'thinking',
  'activeTurnStartedAt',
  'activeAt',
  'updatedAt',
  'metadata',
  'agentState',
  'todos',
  'teamState',
  'model',
  'modelReasoningEffort',
  'effort',
  'serviceTier',
  'permissionMode',
  'collaborationMode',
  'copilotAgentMode',
  'backgroundTaskCount',
  'scratchlistUpdatedAt',
] satisfies (keyof SessionPatch)[])

export const INPUT_TOOLS = new Set([
  'AskUserQuestion',
  'ask_user_question',
  'ExitPlanMode',
  'exit_plan_mode',
  'request_user_input',
])

const LISTED_REQUESTS = 5

export function isFullSession(data: unknown, id: string): data is Session {
  return typeof data === 'object' && data !== null && (data as { id?: unknown }).id === id && 'metadataVersion' in data
}

/** A patch has at least one key and no key that this page does not know. */
export function isPatch(data: unknown): data is SessionPatch {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return false
  const keys = Object.keys(data)
  return keys.length > 0 && keys.every((key) => PATCH_KEYS.has(key))
}

/** A whole session over a known one: each versioned part is the newer of the two. */
export function mergeSession(known: Session, news: Session): Session {
  const merged = { ...news, updatedAt: Math.max(known.updatedAt, news.updatedAt) }
  if (known.metadataVersion > news.metadataVersion) {
    merged.metadata = known.metadata
    merged.metadataVersion = known.metadataVersion
  }
  if (known.agentStateVersion > news.agentStateVersion) {
    merged.agentState = known.agentState
    merged.agentStateVersion = known.agentStateVersion
  }
  if (known.todosUpdatedAt > news.todosUpdatedAt && known.todos) {
    merged.todos = known.todos
    merged.todosUpdatedAt = known.todosUpdatedAt
  }
  return merged
}

export function patchSession(session: Session, patch: SessionPatch): Session {
  const { metadata, agentState, todos, teamState: _team, updatedAt, scratchlistUpdatedAt: _list, ...plain } = patch
  const next: Session = { ...session, ...plain }
  if (updatedAt !== undefined) next.updatedAt = Math.max(session.updatedAt, updatedAt)
  if (metadata && metadata.version > session.metadataVersion) {
    next.metadata = metadata.value
    next.metadataVersion = metadata.version
  }
  if (agentState && agentState.version > session.agentStateVersion) {
    next.agentState = agentState.value
    next.agentStateVersion = agentState.version
  }
  if (todos && todos.version > session.todosUpdatedAt) {
    next.todos = todos.value
    next.todosUpdatedAt = todos.version
  }
  return next
}

export function patchSummary(row: SessionSummary, patch: SessionPatch): SessionSummary {
  const next: SessionSummary = { ...row }
  if (patch.active !== undefined) next.active = patch.active
  if (patch.activeAt !== undefined) next.activeAt = patch.activeAt
  if (patch.thinking !== undefined) next.thinking = patch.thinking
  if (patch.activeTurnStartedAt !== undefined) next.activeTurnStartedAt = patch.activeTurnStartedAt
  if (patch.updatedAt !== undefined) next.updatedAt = Math.max(row.updatedAt, patch.updatedAt)
  if (patch.model !== undefined) next.model = patch.model
  if (patch.effort !== undefined) next.effort = patch.effort
  if (patch.modelReasoningEffort !== undefined) next.modelReasoningEffort = patch.modelReasoningEffort
  if (patch.backgroundTaskCount !== undefined) next.backgroundTaskCount = patch.backgroundTaskCount
  if (patch.metadata && patch.metadata.version >= row.metadataVersion) {
    next.metadata = summaryMetadata(patch.metadata.value, row.metadata)
    next.metadataVersion = patch.metadata.version
  }
  if (patch.agentState && patch.agentState.version >= row.agentStateVersion) {
    Object.assign(next, pendingOf(patch.agentState.value, next.updatedAt))
    next.agentStateVersion = patch.agentState.version
  }
  if (patch.todos && patch.todos.version >= row.todosUpdatedAt) {
    next.todoProgress = progressOf(patch.todos.value)
    next.todosUpdatedAt = patch.todos.version
  }
  return next
}

/** The list row of a whole session; what only the list read knows is kept from the known row. */
export function toSummary(session: Session, known?: SessionSummary): SessionSummary {
  return {
    unread: false,
    futureScheduledMessageCount: 0,
    nextScheduledAt: null,
    ...known,
    hasConversationContent: session.hasConversationContent,
    backgroundTaskCount: session.backgroundTaskCount,
    id: session.id,
    active: session.active,
    thinking: session.thinking,
    activeAt: session.activeAt,
    activeTurnStartedAt: session.activeTurnStartedAt,
    updatedAt: session.updatedAt,
    pinned: session.pinned,
    globalPinned: session.globalPinned,
    metadata: summaryMetadata(session.metadata, known?.metadata ?? null),
    metadataVersion: session.metadataVersion,
    agentStateVersion: session.agentStateVersion,
    todosUpdatedAt: session.todosUpdatedAt,
    todoProgress: progressOf(session.todos),
    ...pendingOf(session.agentState, session.updatedAt),
    model: session.model,
    modelReasoningEffort: session.modelReasoningEffort,
    effort: session.effort,
  }
}

/** Requests that wait for a person, oldest first. One that is also completed does not wait. */
export function openRequests(state: AgentState | null | undefined): [id: string, request: PermissionRequest][] {
  const completed = state?.completedRequests ?? {}
  return Object.entries(state?.requests ?? {})
    .filter(([id]) => !(id in completed))
    .toSorted(([a, x], [b, y]) => (x.createdAt ?? 0) - (y.createdAt ?? 0) || a.localeCompare(b))
}

function pendingOf(state: AgentState | null, updatedAt: number) {
  const pending = openRequests(state).map(([id, request]) => ({
    id,
    kind: INPUT_TOOLS.has(request.tool) ? ('input' as const) : ('permission' as const),
    tool: request.tool,
    since: request.createdAt ?? updatedAt,
  }))
  const kinds = (['permission', 'input'] as const).filter((kind) => pending.some((request) => request.kind === kind))
  return {
    pendingRequestsCount: pending.length,
    pendingRequestKinds: kinds,
    pendingRequests: pending.slice(0, LISTED_REQUESTS),
  }
}

function progressOf(todos: Todo[] | undefined): SessionSummary['todoProgress'] {
  if (!todos || todos.length === 0) return null
  return { completed: todos.filter((todo) => todo.status === 'completed').length, total: todos.length }
}

function summaryMetadata(metadata: Session['metadata'], known: SessionSummary['metadata']): SessionSummary['metadata'] {
  if (!metadata) return null
  const { path, name, machineId, summary, flavor, worktree, lifecycleState } = metadata
  return {
    path,
    ...(name !== undefined && { name }),
    ...(machineId !== undefined && { machineId }),
    ...(summary && { summary: { text: summary.text } }),
    ...(worktree && { worktree }),
    ...(lifecycleState !== undefined && { lifecycleState }),
    ...(known?.agentSessionId !== undefined && { agentSessionId: known.agentSessionId }),
    flavor: flavor ?? null,
  }
}
