// The dialect of Codex: OpenAI's Responses.
import { openStream, shortId, speak, textOf, wholeText } from './wire.mjs'

const isResult = ({ type }) => /_call_output$/.test(type ?? '')
const usage = { input_tokens: 12, input_tokens_details: { cached_tokens: 0 }, output_tokens: 20, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 32 }

export function read({ input = [], tools = [] }) {
    const items = Array.isArray(input) ? input : [{ role: 'user', content: input }]
    const turns = items.filter((item) => item.role === 'user' || isResult(item)).map((item) =>
        isResult(item) ? { text: '', result: textOf(item.output) } : { text: textOf(item.content) })
    return { turns, tools: tools.map(({ name, type, parameters }) => ({ name: name ?? type, schema: parameters })) }
}

export async function write(response, body, plan, held) {
    const event = openStream(response)
    const send = (type, data) => event(type, { type, ...data })
    const answer = { id: `resp_${shortId()}`, object: 'response', created_at: Math.floor(Date.now() / 1000), status: 'in_progress', model: body.model, output: [] }
    const output = []
    const add = (item) => send('response.output_item.added', { output_index: output.length, item })
    const done = (item) => {
        send('response.output_item.done', { output_index: output.length, item })
        output.push(item)
    }
    send('response.created', { response: answer })
    if (plan.text !== undefined || plan.hold !== undefined) {
        const item = { id: `msg_${shortId()}`, type: 'message', role: 'assistant', status: 'in_progress', content: [] }
        add(item)
        let text = ''
        await speak(response, plan, held, (delta) => {
            text += delta
            send('response.output_text.delta', { item_id: item.id, output_index: output.length, content_index: 0, delta })
        })
        done({ ...item, status: 'completed', content: [{ type: 'output_text', text: plan.hold === undefined ? wholeText(plan) : text, annotations: [] }] })
    }
    if (plan.call) {
        const item = { id: `fc_${shortId()}`, type: 'function_call', status: 'completed', call_id: `call_${shortId()}`, name: plan.call.name, arguments: JSON.stringify(plan.call.input) }
        add(item)
        done(item)
    }
    send('response.completed', { response: { ...answer, status: 'completed', output, usage } })
    response.end()
}
