// The dialect of OpenCode: OpenAI's Chat Completions.
import { json, openStream, shortId, speak, textOf, wholeText } from './wire.mjs'

const usage = { prompt_tokens: 12, completion_tokens: 20, total_tokens: 32 }

export function read({ messages = [], tools = [] }) {
    const turns = messages.filter(({ role }) => role === 'user' || role === 'tool').map(({ role, content }) =>
        role === 'tool' ? { text: '', result: textOf(content) } : { text: textOf(content) })
    return { turns, tools: tools.map((tool) => ({ name: tool.function.name, schema: tool.function.parameters })) }
}

export async function write(response, body, plan, held) {
    const base = { id: `chatcmpl-${shortId()}`, created: Math.floor(Date.now() / 1000), model: body.model }
    const tool_calls = plan.call && [{ index: 0, id: `call_${shortId()}`, type: 'function', function: { name: plan.call.name, arguments: JSON.stringify(plan.call.input) } }]
    const finish_reason = tool_calls ? 'tool_calls' : 'stop'
    if (!body.stream) {
        const message = { role: 'assistant', content: wholeText(plan), ...(tool_calls ? { tool_calls } : {}) }
        return json(response, 200, { ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage })
    }
    const event = openStream(response)
    const chunk = (delta, finish = null, extra = {}) => event(null, { ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }], ...extra })
    chunk({ role: 'assistant', content: '' })
    if (plan.text !== undefined || plan.hold !== undefined) await speak(response, plan, held, (content) => chunk({ content }))
    if (tool_calls) chunk({ tool_calls })
    chunk({}, finish_reason, { usage })
    event(null, '[DONE]')
    response.end()
}
