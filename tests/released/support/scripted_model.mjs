// A scripted model provider on loopback: enough of Anthropic's Messages API for Claude Code to run full turns.
//
// The newest user text carries a directive, and the reply follows from it alone.
//   [[say TEXT]]       a plain text turn
//   [[bash COMMAND]]   call Bash, then close the turn with the tool's result
//   [[ask]]            call AskUserQuestion
//   [[count N]]        N rounds, each a line of text and a harmless Bash call, then 'counted to N'
//   [[hold TEXT]]      stream words until `release` is called or the client goes away, then 'TEXT done'
// Another request that ends in a tool result is answered with 'tool said: …'.
import { randomUUID } from 'node:crypto'
import http from 'node:http'

const DIRECTIVE = /\[\[(say|bash|ask|count|hold)(?:\s+([\s\S]*?))?\]\]/g
const QUESTION = {
    question: 'Which colour?',
    header: 'Colour',
    multiSelect: false,
    options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cold' }]
}
const shortId = () => randomUUID().replaceAll('-', '').slice(0, 20)
const lastDirective = (text) => [...text.matchAll(DIRECTIVE)].at(-1)

const blocksOf = ({ content }) => Array.isArray(content) ? content : [{ type: 'text', text: content ?? '' }]
const textOf = (content) => typeof content === 'string' ? content
    : Array.isArray(content) ? content.map((block) => block.text ?? textOf(block.content ?? '')).join('\n') : ''
const wordsOf = (message) => blocksOf(message).filter((block) => block.type === 'text').map((block) => block.text).join('\n')
const resultOf = (message) => blocksOf(message).findLast((block) => block.type === 'tool_result')

/** Turns a request into one reply: {text?, call?} or {hold}. */
function decide({ messages = [], tools = [] }) {
    const users = messages.filter((message) => message.role === 'user')
    const last = users.at(-1) ?? { content: '' }
    const directive = lastDirective(wordsOf(last))
    const result = resultOf(last)
    if (result && !directive) return continueTurn(users) ?? { text: `tool said: ${textOf(result.content).trim().slice(0, 300)}` }
    if (!directive || tools.length === 0) return { text: directive?.[1] === 'say' ? directive[2] : 'scripted model here' }
    const [, verb, rest = ''] = directive
    if (verb === 'say') return { text: rest }
    if (verb === 'hold') return { hold: rest }
    if (verb === 'bash') return { call: { name: 'Bash', input: { command: rest, description: 'scripted step' } } }
    if (verb === 'ask') return { call: { name: 'AskUserQuestion', input: { questions: [QUESTION] } } }
    return countStep(Number(rest), 1)
}

/** The next round of [[count N]], if that is what the running turn is about. */
function continueTurn(users) {
    const start = users.findLastIndex((message) => lastDirective(wordsOf(message)))
    const directive = start >= 0 && lastDirective(wordsOf(users[start]))
    return directive && directive[1] === 'count' ? countStep(Number(directive[2]), users.length - start) : null
}

const countStep = (total, step) => step > total ? { text: `counted to ${total}` }
    : { text: `step ${step} of ${total}`, call: { name: 'Bash', input: { command: `echo step ${step}`, description: 'scripted step' } } }

export async function startModel() {
    const requests = []
    const held = new Set()
    const server = http.createServer(async (request, response) => {
        const route = request.url.split('?')[0]
        const chunks = await request.toArray()
        if (request.method === 'HEAD') return response.writeHead(200).end()
        if (route.endsWith('/v1/messages/count_tokens')) return json(response, 200, { input_tokens: 42 })
        if (request.method !== 'POST' || !route.endsWith('/v1/messages')) return json(response, 404, { type: 'error', error: { type: 'not_found_error', message: route } })
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
        requests.push(body)
        answer(response, body, decide(body), held)
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        requests,
        /** The requests that began a turn with this text in their newest directive. */
        turns: (text) => requests.filter(({ messages, tools }) => {
            const newest = messages.findLast(({ role }) => role === 'user')
            return tools?.length > 0 && !resultOf(newest) && lastDirective(wordsOf(newest))?.[0].includes(text)
        }),
        /** Number of turns that are held open at this moment. */
        get holding() { return held.size },
        /** Lets every held turn end. */
        release: () => { for (const finish of [...held]) finish() },
        close: () => { server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)) }
    }
}

function json(response, status, value) {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function answer(response, body, plan, held) {
    const message = {
        id: `msg_${shortId()}`, type: 'message', role: 'assistant', model: body.model, content: [],
        stop_reason: null, stop_sequence: null,
        usage: { input_tokens: 12, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
    }
    const toolUse = plan.call && { type: 'tool_use', id: `toolu_${shortId()}`, ...plan.call }
    const stop_reason = toolUse ? 'tool_use' : 'end_turn'
    if (!body.stream) {
        const content = [...(toolUse ? [toolUse] : [{ type: 'text', text: plan.text ?? plan.hold }])]
        return json(response, 200, { ...message, content, stop_reason })
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    const send = (type, data) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
    const say = (index, text) => send('content_block_delta', { index, delta: { type: 'text_delta', text } })
    let index = 0
    send('message_start', { message })
    if (plan.text !== undefined || plan.hold !== undefined) {
        send('content_block_start', { index, content_block: { type: 'text', text: '' } })
        if (plan.hold !== undefined) await hold(response, (count) => say(index, `${plan.hold}-${count} `), held)
        for (const word of (plan.text ?? `${plan.hold} done`).match(/\S+\s*/g) ?? ['']) say(index, word)
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

/** Says a word every quarter of a second until the turn is released or its reader is gone. */
function hold(response, word, held) {
    return new Promise((resolve) => {
        let count = 0
        const timer = setInterval(() => word(++count), 250)
        const finish = () => {
            clearInterval(timer)
            held.delete(finish)
            resolve()
        }
        held.add(finish)
        response.once('close', finish)
        word(++count)
    })
}
