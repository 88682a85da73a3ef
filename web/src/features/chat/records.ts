/** Reads the loosely typed message contents of all agents into one small set of records. */
import { type Fields, fields, string } from '../../api/loose'

export type RecordPart =
  | { kind: 'user'; text: string; terminal: boolean }
  | { kind: 'text'; text: string; streamId?: string }
  | { kind: 'reasoning'; text: string; streamId?: string }
  | { kind: 'call'; callId: string; name: string; input: unknown; title?: string; parent?: string }
  | { kind: 'result'; callId: string; output: unknown; failed: boolean }
  | { kind: 'plan'; entries: PlanEntry[] }
  | { kind: 'event'; text: string; tone: 'plain' | 'bad' }
  | { kind: 'unknown'; label: string }

export interface PlanEntry {
  content: string
  status: string
}

/** Parts of one stored message; an empty list means that there is nothing to show. */
export function readContent(content: unknown): RecordPart[] {
  const envelope = unwrap(content)
  if (!envelope)
    return typeof content === 'string' && content.trim() ? [{ kind: 'text', text: content }] : unknown('record')
  const meta = fields(envelope.meta)
  if (envelope.role === 'user') return readUser(envelope.content, meta)
  return readAgent(envelope.content)
}

function readUser(payload: unknown, meta: Fields): RecordPart[] {
  const text = plainText(payload)
  if (!text.trim()) return []
  const terminal = meta.sentFrom === 'cli' && /<(command-(name|args|message)|local-command-stdout)>/.test(text)
  return [{ kind: 'user', text: terminal ? text.replace(/<[^>]+>/g, ' ').trim() : text, terminal }]
}

function readAgent(payload: unknown): RecordPart[] {
  if (typeof payload === 'string') return payload.trim() ? [{ kind: 'text', text: payload }] : []
  const { type, data, text } = fields(payload)
  if (type === 'codex') return readCodex(fields(data))
  if (type === 'output') return readOutput(fields(data))
  if (type === 'event') return readEvent(fields(data))
  if (type === 'text' && typeof text === 'string') return [{ kind: 'text', text }]
  return unknown(type)
}

function readCodex(data: Fields): RecordPart[] {
  const streamId = string(data.id)
  switch (data.type) {
    case 'message':
      return withText(string(data.message), (text) => ({ kind: 'text', text, ...(streamId && { streamId }) }))
    case 'reasoning':
      return withText(string(data.message), (text) => ({ kind: 'reasoning', text, ...(streamId && { streamId }) }))
    case 'tool-call': {
      const callId = string(data.callId ?? data.call_id)
      if (!callId) return unknown('tool call')
      const title = string(data.description ?? data.nativeTitle ?? data.native_title)
      return [{ kind: 'call', callId, name: string(data.name) ?? 'Tool', input: data.input, ...(title && { title }) }]
    }
    case 'tool-call-result': {
      const callId = string(data.callId ?? data.call_id)
      if (!callId) return unknown('tool result')
      return [{ kind: 'result', callId, output: data.output, failed: data.is_error === true || data.isError === true }]
    }
    case 'plan':
    case 'plan_update': {
      const entries = planEntries(data.entries ?? data.plan ?? data.update ?? data.items ?? data.steps)
      return entries.length > 0 ? [{ kind: 'plan', entries }] : []
    }
    case 'generated-image':
      return event(`Image ${string(data.fileName ?? data.file_name) ?? ''}`.trim())
    case 'error':
      return event(string(data.message) ?? 'The agent reported an error.', 'bad')
    case 'context_compacted':
    case 'compact-summary':
      return event('Earlier context was summarised.')
    case 'thread_goal_updated':
      return event(`Goal: ${string(fields(data.goal).objective) ?? 'updated'}`)
    case 'thread_goal_cleared':
      return event('Goal cleared.')
    case 'agent-run-start':
    case 'agent-run-update':
    case 'agent-run-trace':
      return readAgentRun(data)
    default:
      return []
  }
}

function readAgentRun(data: Fields): RecordPart[] {
  const callId = string(data.cardId ?? data.card_id ?? data.agentId ?? data.agent_id)
  if (!callId) return []
  if (data.type === 'agent-run-trace') return []
  const title = string(data.summary ?? data.statusText ?? data.status_text)
  const call: RecordPart = { kind: 'call', callId, name: 'Task', input: data.input ?? {}, ...(title && { title }) }
  if (data.error !== undefined) return [call, { kind: 'result', callId, output: data.error, failed: true }]
  if (data.result !== undefined) return [call, { kind: 'result', callId, output: data.result, failed: false }]
  return [call]
}

const SHOWN_SYSTEM: Record<string, (data: Fields) => RecordPart[]> = {
  api_error: (data) => event(string(data.message) ?? 'The model service answered with an error.', 'bad'),
  compact_boundary: () => event('Earlier context was summarised.'),
  microcompact_boundary: () => event('Earlier tool results were summarised.'),
  turn_duration: (data) => turnTook(data.durationMs),
  away_summary: (data) => withText(string(data.content), (text) => ({ kind: 'text', text })),
}

function readOutput(data: Fields): RecordPart[] {
  if (data.isMeta === true || data.isCompactSummary === true) return []
  const parent = string(data.parentToolUseId ?? data.parent_tool_use_id)
  switch (data.type) {
    case 'assistant':
      return readBlocks(fields(data.message).content, 'agent', parent)
    case 'user':
      return readBlocks(fields(data.message).content, 'user', parent ?? (data.isSidechain === true ? '' : undefined))
    case 'system':
      return SHOWN_SYSTEM[string(data.subtype) ?? '']?.(data) ?? []
    case 'summary':
    case 'rate_limit_event':
    case 'tool_progress':
      return []
    case 'agy_message':
      return withText(string(data.content), (text) => ({ kind: 'text', text }))
    case 'agy_tool_action': {
      const callId = string(data.toolUseId) ?? `agy:${string(data.name)}:${string(data.content)}`
      const name = string(data.toolName ?? data.name) ?? 'Tool'
      const title = string(data.content)
      return [{ kind: 'call', callId, name, input: data.input ?? {}, ...(title && { title }) }]
    }
    default:
      return unknown(data.type)
  }
}

function readBlocks(content: unknown, role: 'agent' | 'user', parent: string | undefined): RecordPart[] {
  if (typeof content === 'string') return fromRole(content, role, parent)
  if (!Array.isArray(content)) return unknown('message')
  return content.flatMap((value): RecordPart[] => {
    const block = fields(value)
    switch (block.type) {
      case 'text':
        return fromRole(string(block.text) ?? '', role, parent)
      case 'thinking':
        return withText(string(block.thinking), (text) => ({ kind: 'reasoning', text }))
      case 'redacted_thinking':
        return []
      case 'tool_use': {
        const callId = string(block.id)
        if (!callId) return unknown('tool call')
        const name = string(block.name) ?? 'Tool'
        return [{ kind: 'call', callId, name, input: block.input, ...(parent && { parent }) }]
      }
      case 'tool_result': {
        const callId = string(block.tool_use_id)
        return callId
          ? [{ kind: 'result', callId, output: block.content, failed: block.is_error === true }]
          : unknown('tool result')
      }
      case 'image':
        return event('Image')
      case 'document':
        return event('Document')
      default:
        return unknown(block.type)
    }
  })
}

/** Texts inside a sub-agent's trace belong to its card, not to the conversation. */
function fromRole(text: string, role: 'agent' | 'user', parent: string | undefined): RecordPart[] {
  if (!text.trim() || parent !== undefined) return []
  if (role === 'agent') return [{ kind: 'text', text }]
  if (text.startsWith('<task-notification>')) return event('A background task finished.')
  return [{ kind: 'user', text, terminal: false }]
}

function readEvent(data: Fields): RecordPart[] {
  switch (data.type) {
    case 'ready':
    case 'abort-restore':
      return []
    case 'message':
      return withText(string(data.message), (text) => ({ kind: 'event', text, tone: 'plain' }))
    case 'error':
      return event(string(data.message) ?? 'The agent reported an error.', 'bad')
    case 'switch':
      return event(data.mode === 'local' ? 'Control moved to the terminal.' : 'Control moved to the web.')
    case 'title-changed':
      return event(`Title: ${string(data.title) ?? ''}`)
    case 'limit-reached':
      return event(`Usage limit reached${until(data.endsAt)}.`, 'bad')
    case 'limit-warning':
      return event(`Usage is near its limit${until(data.endsAt)}.`)
    case 'compact-summary':
      return event('Earlier context was summarised.')
    case 'permission-mode-changed':
      return event(`Permission mode: ${string(data.mode) ?? 'changed'}`)
    case 'turn-duration':
      return turnTook(data.durationMs)
    default:
      return unknown(data.type)
  }
}

/** The text of a tool's output, whatever shape it came in. */
export function outputText(output: unknown): string {
  if (typeof output === 'string') return output
  if (Array.isArray(output)) return output.map((part) => outputText(part)).join('\n')
  const { text, content, output: inner, stdout, stderr, formatted_output, aggregated_output } = fields(output)
  for (const value of [text, formatted_output, aggregated_output, inner]) if (typeof value === 'string') return value
  if (typeof stdout === 'string' || typeof stderr === 'string') {
    return [stdout, stderr].filter((part) => typeof part === 'string' && part !== '').join('\n')
  }
  return content === undefined ? '' : outputText(content)
}

function unwrap(content: unknown): Fields | undefined {
  const value = fields(content)
  const candidates = [value, value.message, fields(value.data).message, fields(value.payload).message]
  return candidates.map(fields).find((candidate) => typeof candidate.role === 'string' && 'content' in candidate)
}

function plainText(payload: unknown): string {
  if (typeof payload === 'string') return payload
  if (Array.isArray(payload)) return payload.map((part) => string(fields(part).text) ?? '').join('\n')
  return string(fields(payload).text) ?? ''
}

function planEntries(value: unknown): PlanEntry[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((entry): PlanEntry[] => {
    const { content, step, text, status } = fields(entry)
    const line = string(content) ?? string(step) ?? string(text) ?? string(entry)
    return line ? [{ content: line, status: string(status) ?? 'pending' }] : []
  })
}

function withText(text: string | undefined, part: (text: string) => RecordPart): RecordPart[] {
  return text?.trim() ? [part(text)] : []
}

function event(text: string, tone: 'plain' | 'bad' = 'plain'): RecordPart[] {
  return [{ kind: 'event', text, tone }]
}

function unknown(type: unknown): RecordPart[] {
  return [{ kind: 'unknown', label: typeof type === 'string' && type ? type : 'record' }]
}

/** A turn of less than a second is not worth a line. */
function turnTook(ms: unknown): RecordPart[] {
  return typeof ms === 'number' && ms >= 1_000 ? event(`Turn took ${duration(ms)}.`) : []
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} m ${seconds % 60} s`
}

function until(endsAt: unknown): string {
  if (typeof endsAt !== 'number') return ''
  const at = new Date(endsAt < 1e12 ? endsAt * 1000 : endsAt)
  return `, until ${at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`
}
