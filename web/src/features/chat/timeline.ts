/** Turns stored messages into the blocks that a chat shows. Pure: the same rows give the same blocks. */
import type { AgentState, Message } from '../../api/types'
import { isQueued } from '../../live/transcript'
import { type PlanEntry, type RecordPart, readContent } from './records'

export interface ToolCall {
  callId: string
  name: string
  input: unknown
  title?: string | undefined
  output?: unknown
  state: 'running' | 'done' | 'failed' | 'denied'
  /** Calls of a sub-agent that this call started. */
  children: ToolCall[]
}

export type Block =
  | { kind: 'user'; id: string; text: string; terminal: boolean; at: number; localId: string | null }
  | { kind: 'text'; id: string; text: string; at: number }
  | { kind: 'reasoning'; id: string; text: string }
  | { kind: 'tools'; id: string; calls: ToolCall[] }
  | { kind: 'plan'; id: string; entries: PlanEntry[] }
  | { kind: 'event'; id: string; text: string; tone: 'plain' | 'bad' }
  | { kind: 'unknown'; id: string; label: string }

export function buildTimeline(messages: Message[], state?: AgentState | null): Block[] {
  const timeline = new Timeline(state ?? null)
  for (const message of messages) {
    if (isQueued(message) && isUser(message)) continue
    const echo = isEcho(message)
    readContent(message.content).forEach((part, index) => {
      if (!(echo && part.kind === 'user')) timeline.add(part, message, `${message.id}:${index}`)
    })
  }
  return timeline.blocks
}

/** User rows that no agent has taken yet, in the order they will be taken. */
export function queuedRows(messages: Message[]): Message[] {
  return messages.filter((message) => isQueued(message) && isUser(message))
}

export function textOf(message: Message): string {
  return readContent(message.content)
    .map((part) => (part.kind === 'user' ? part.text : ''))
    .join('\n')
}

class Timeline {
  readonly blocks: Block[] = []
  #calls = new Map<string, ToolCall>()
  #orphans = new Map<string, Extract<RecordPart, { kind: 'result' }>>()
  #streams = new Map<string, number>()
  #planAt: number | undefined

  constructor(private readonly state: AgentState | null) {}

  add(part: RecordPart, message: Message, id: string): void {
    switch (part.kind) {
      case 'user':
        this.#streams.clear()
        this.#planAt = undefined
        this.blocks.push({
          kind: 'user',
          id,
          text: part.text,
          terminal: part.terminal,
          at: message.invokedAt ?? message.createdAt,
          localId: message.localId,
        })
        return
      case 'text':
        this.#snapshot(part.streamId && `text:${part.streamId}`, (known) => ({
          kind: 'text',
          id: known ?? id,
          text: part.text,
          at: message.createdAt,
        }))
        return
      case 'reasoning':
        this.#snapshot(part.streamId && `reasoning:${part.streamId}`, (known) => ({
          kind: 'reasoning',
          id: known ?? id,
          text: part.text,
        }))
        return
      case 'call':
        this.#call(part, id)
        return
      case 'result':
        this.#result(part)
        return
      case 'plan':
        this.#plan(part.entries, id)
        return
      default:
        this.blocks.push({ ...part, id })
    }
  }

  /** Later rows with the same stream id are snapshots of one block, which stays where it began. */
  #snapshot(stream: string | undefined, block: (knownId?: string) => Block): void {
    const at = stream === undefined ? undefined : this.#streams.get(stream)
    if (at !== undefined) {
      this.blocks[at] = block(this.blocks[at]?.id)
      return
    }
    if (stream !== undefined) this.#streams.set(stream, this.blocks.length)
    this.blocks.push(block())
  }

  #call(part: Extract<RecordPart, { kind: 'call' }>, id: string): void {
    const known = this.#calls.get(part.callId)
    if (known) {
      if (part.input !== undefined) known.input = part.input
      if (part.title) known.title = part.title
      return
    }
    const { callId, name, input, title } = part
    const call: ToolCall = {
      callId,
      name,
      input,
      title,
      state: this.#refused(callId) ? 'denied' : 'running',
      children: [],
    }
    this.#calls.set(callId, call)
    const orphan = this.#orphans.get(callId)
    if (orphan) this.#result(orphan)
    const parent = part.parent === undefined ? undefined : this.#calls.get(part.parent)
    if (parent) {
      parent.children.push(call)
      return
    }
    const last = this.blocks.at(-1)
    if (last?.kind === 'tools') last.calls.push(call)
    else this.blocks.push({ kind: 'tools', id, calls: [call] })
  }

  #result(part: Extract<RecordPart, { kind: 'result' }>): void {
    const call = this.#calls.get(part.callId)
    if (!call) {
      // The page may begin between a call and its result; an older page brings the call.
      this.#orphans.set(part.callId, part)
      return
    }
    call.output = part.output
    if (call.state !== 'denied') call.state = part.failed ? 'failed' : 'done'
  }

  #plan(entries: PlanEntry[], id: string): void {
    const known = this.#planAt === undefined ? undefined : this.blocks[this.#planAt]
    if (known && this.#planAt !== undefined) {
      this.blocks[this.#planAt] = { kind: 'plan', id: known.id, entries }
      return
    }
    this.#planAt = this.blocks.length
    this.blocks.push({ kind: 'plan', id, entries })
  }

  #refused(callId: string): boolean {
    const completed = this.state?.completedRequests ?? {}
    const request = completed[callId] ?? Object.values(completed).find((entry) => entry.toolCallId === callId)
    return request?.status === 'denied' || request?.status === 'canceled'
  }
}

function isUser(message: Message): boolean {
  return readContent(message.content).some((part) => part.kind === 'user')
}

function isEcho(message: Message): boolean {
  const content = message.content as { meta?: { isTranscriptEcho?: boolean } } | null
  return content?.meta?.isTranscriptEcho === true
}
