// A scripted model provider on loopback: enough of three wire formats for real agents to run full turns.
// What it answers is told in `model/script.mjs`.
import http from 'node:http'
import * as anthropic from './model/anthropic.mjs'
import * as chat from './model/chat.mjs'
import * as responses from './model/responses.mjs'
import { decide, opening } from './model/script.mjs'
import { json } from './model/wire.mjs'

const DIALECTS = { '/v1/messages': anthropic, '/v1/responses': responses, '/v1/chat/completions': chat }

export async function startModel() {
    const requests = []
    const openings = new Map()
    const held = new Set()
    const server = http.createServer(async (request, response) => {
        const route = request.url.split('?')[0]
        const chunks = await request.toArray()
        if (request.method === 'HEAD') return response.writeHead(200).end()
        if (route === '/v1/messages/count_tokens') return json(response, 200, { input_tokens: 42 })
        const dialect = request.method === 'POST' && DIALECTS[route]
        if (!dialect) return json(response, 404, { type: 'error', error: { type: 'not_found_error', message: route } })
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
        const reading = dialect.read(body)
        requests.push(body)
        openings.set(body, opening(reading))
        await dialect.write(response, body, decide(reading), held)
    })
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        requests,
        /** The requests that began a turn with this text in their newest directive. */
        turns: (text) => requests.filter((body) => openings.get(body)?.includes(text)),
        /** Number of turns that are held open at this moment. */
        get holding() { return held.size },
        /** Lets every held turn end. */
        release: () => { for (const finish of [...held]) finish() },
        close: () => { server.closeAllConnections(); return new Promise((resolve) => server.close(resolve)) }
    }
}
