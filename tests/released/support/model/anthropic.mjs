// The dialect of Claude Code: Anthropic's Messages.
import { json, openStream, shortId, speak, textOf, wholeText } from './wire.mjs'

const blocksOf = ({ content }) => Array.isArray(content) ? content : [{ type: 'text', text: content ?? '' }]

export function read({ messages = [], tools = [] }) {
    const turns = messages.filter(({ role }) => role === 'user').map((message) => {
        const blocks = blocksOf(message)
        const result = blocks.findLast(({ type }) => type === 'tool_result')
        const text = blocks.filter(({ type }) => type === 'text').map((block) => block.text).join('\n')
        return { text, ...(result ? { result: textOf(result.content) } : {}) }
    })
    return { turns, tools: tools.map(({ name, input_schema }) => ({ name, schema: input_schema })) }
}

export async function write(response, body, plan, held) {
    const message = {
        id: `msg_${shortId()}`, type: 'message', role: 'assistant', model: body.model, content: [],
        stop_reason: null, stop_sequence: null,
        usage: { input_tokens: 12, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
    }
    const toolUse = plan.call && { type: 'tool_use', id: `toolu_${shortId()}`, ...plan.call }
    const stop_reason = toolUse ? 'tool_use' : 'end_turn'
    if (!body.stream) {
        const content = [toolUse ?? { type: 'text', text: wholeText(plan) }]
        return json(response, 200, { ...message, content, stop_reason })
    }
    const event = openStream(response)
    const send = (type, data) => event(type, { type, ...data })
    let index = 0
    send('message_start', { message })
    if (plan.text !== undefined || plan.hold !== undefined) {
        send('content_block_start', { index, content_block: { type: 'text', text: '' } })
        await speak(response, plan, held, (text) => send('content_block_delta', { index, delta: { type: 'text_delta', text } }))
        send('content_block_stop', { index })
        index++
    }
    if (toolUse) {
        send('content_block_start', { index, content_block: { ...toolUse, input: {} } })
        send('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: JSON.stringify(toolUse.input) } })
        send('content_block_stop', { index })
    }
    send('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 20 } })
    send('message_stop', {})
    response.end()
}
