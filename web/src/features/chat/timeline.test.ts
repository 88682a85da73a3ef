import { describe, expect, test } from 'vitest'
import { aMessage } from '../../testing/records'
import { buildTimeline, queuedRows } from './timeline'

const agent = (content: unknown) => aMessage({ content: { role: 'agent', content } })
const codex = (data: object) => agent({ type: 'codex', data })
const output = (data: object) => agent({ type: 'output', data })
const assistant = (...content: object[]) => output({ type: 'assistant', message: { content } })
const result = (id: string, content: unknown, is_error = false) =>
  output({ type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: id, content, is_error }] } })
const user = (text: string, fields = {}) =>
  aMessage({ content: { role: 'user', content: { type: 'text', text } }, ...fields })

/** The blocks without their names and times. */
function shown(...messages: ReturnType<typeof aMessage>[]) {
  return buildTimeline(messages).map((block) => {
    const { id: _, ...rest } = block
    return { ...rest, at: undefined, localId: undefined }
  })
}

describe('Claude records', () => {
  test('a turn becomes prompt, reasoning, one group of tools and text', () => {
    const blocks = shown(
      user('Fix it'),
      assistant(
        { type: 'thinking', thinking: 'Hm' },
        { type: 'tool_use', id: 'a', name: 'Read', input: { file_path: '/x' } },
      ),
      result('a', [{ type: 'text', text: 'one' }]),
      assistant({ type: 'tool_use', id: 'b', name: 'Bash', input: { command: 'make' } }),
      result('b', 'no rule', true),
      assistant({ type: 'text', text: 'Done.' }),
    )
    expect(blocks.map((block) => block.kind)).toEqual(['user', 'reasoning', 'tools', 'text'])
    expect(blocks[2]).toMatchObject({
      calls: [
        { callId: 'a', name: 'Read', state: 'done' },
        { callId: 'b', name: 'Bash', state: 'failed', output: 'no rule' },
      ],
    })
  })

  test('a sub-agent keeps its calls and texts inside its own card', () => {
    const blocks = shown(
      assistant({ type: 'tool_use', id: 'task', name: 'Task', input: { description: 'look' } }),
      output({ type: 'user', isSidechain: true, message: { content: 'look around' } }),
      output({
        type: 'assistant',
        parentToolUseId: 'task',
        message: {
          content: [
            { type: 'text', text: 'inner' },
            { type: 'tool_use', id: 'g', name: 'Grep', input: {} },
          ],
        },
      }),
      result('g', 'found'),
    )
    expect(blocks).toHaveLength(1)
    expect(blocks[0]).toMatchObject({ calls: [{ callId: 'task', children: [{ callId: 'g', state: 'done' }] }] })
  })

  test('what a chat hides is hidden', () => {
    const hidden = [
      output({ type: 'user', isMeta: true, message: { content: 'caveat' } }),
      output({ type: 'assistant', isCompactSummary: true, message: { content: 'summary' } }),
      output({ type: 'system', subtype: 'init' }),
      output({ type: 'rate_limit_event' }),
      output({ type: 'tool_progress' }),
      agent({ type: 'event', id: 'e', data: { type: 'ready' } }),
    ]
    expect(shown(...hidden)).toEqual([])
  })

  test('a result that comes before its call in the page completes it', () => {
    const call = assistant({ type: 'tool_use', id: 'a', name: 'Bash', input: { command: 'ls' } })
    expect(shown(result('a', 'ok'), call)[0]).toMatchObject({ calls: [{ state: 'done', output: 'ok' }] })
  })

  test('a refused call is shown as refused', () => {
    const call = assistant({ type: 'tool_use', id: 'a', name: 'Bash', input: {} })
    const state = { completedRequests: { a: { tool: 'Bash', arguments: {}, status: 'denied' as const } } }
    expect(buildTimeline([call, result('a', 'refused', true)], state)[0]).toMatchObject({
      calls: [{ state: 'denied' }],
    })
  })

  test('terminal commands are marked', () => {
    const command = '<command-name>/clear</command-name><command-args></command-args>'
    const message = aMessage({
      content: { role: 'user', content: { type: 'text', text: command }, meta: { sentFrom: 'cli' } },
    })
    expect(shown(message)).toMatchObject([{ kind: 'user', terminal: true, text: '/clear' }])
  })
})

describe('codex family records', () => {
  test('snapshots of one stream are one block, in the place where it began', () => {
    const blocks = shown(
      codex({ type: 'reasoning', id: 'r', message: 'I', live: true }),
      codex({ type: 'tool-call', callId: 'c', name: 'shell', input: { command: ['bash', '-lc', 'ls'] } }),
      codex({ type: 'reasoning', id: 'r', message: 'I think' }),
      codex({ type: 'message', id: 'm', message: 'Hel', streamSnapshot: true }),
      codex({ type: 'message', id: 'm', message: 'Hello' }),
    )
    expect(blocks).toMatchObject([
      { kind: 'reasoning', text: 'I think' },
      { kind: 'tools' },
      { kind: 'text', text: 'Hello' },
    ])
  })

  test('calls and results meet, in both spellings', () => {
    const blocks = shown(
      codex({ type: 'tool-call', call_id: 'c', name: 'Edit', input: {} }),
      codex({ type: 'tool-call-result', callId: 'c', output: { stdout: 'ok' }, is_error: true }),
    )
    expect(blocks).toMatchObject([{ kind: 'tools', calls: [{ callId: 'c', state: 'failed' }] }])
  })

  test('a plan is one card that changes', () => {
    const plan = (status: string) => codex({ type: 'plan', entries: [{ content: 'Test', status, priority: 'high' }] })
    expect(shown(plan('pending'), plan('completed'))).toMatchObject([
      { kind: 'plan', entries: [{ content: 'Test', status: 'completed' }] },
    ])
  })

  test('a sub-agent run is one call', () => {
    const blocks = shown(
      codex({ type: 'agent-run-start', agentId: 'x', cardId: 'k', summary: 'Look' }),
      codex({ type: 'agent-run-update', agentId: 'x', cardId: 'k', result: 'found' }),
    )
    expect(blocks).toMatchObject([
      { kind: 'tools', calls: [{ callId: 'k', name: 'Task', state: 'done', output: 'found' }] },
    ])
  })

  test('usage samples and unknown records are dropped', () => {
    expect(shown(codex({ type: 'token_count', info: {} }), codex({ type: 'mystery' }))).toEqual([])
  })
})

describe('other records', () => {
  test('events are said in words', () => {
    const event = (data: object) => agent({ type: 'event', id: 'e', data })
    expect(
      shown(event({ type: 'message', message: 'Aborted by user' }), event({ type: 'error', message: 'It broke' })),
    ).toMatchObject([
      { kind: 'event', text: 'Aborted by user', tone: 'plain' },
      { kind: 'event', text: 'It broke', tone: 'bad' },
    ])
  })

  test('an unknown record is a small card without its contents', () => {
    expect(shown(agent({ type: 'never-seen', secret: 1 }))).toMatchObject([{ kind: 'unknown', label: 'never-seen' }])
    expect(shown(aMessage({ content: { odd: true } }))).toMatchObject([{ kind: 'unknown' }])
  })

  test('an envelope inside an envelope is found', () => {
    const message = aMessage({ content: { data: { message: { role: 'agent', content: 'deep' } } } })
    expect(shown(message)).toMatchObject([{ kind: 'text', text: 'deep' }])
  })

  test('a queued prompt is not in the transcript, its echo is not shown twice', () => {
    const queued = user('later', { localId: 'l', invokedAt: null })
    const echo = aMessage({
      content: {
        role: 'user',
        content: { type: 'text', text: 'hi' },
        meta: { sentFrom: 'cli', isTranscriptEcho: true },
      },
    })
    expect(shown(user('hi'), echo, queued)).toHaveLength(1)
    expect(queuedRows([queued, echo])).toEqual([queued])
  })
})
