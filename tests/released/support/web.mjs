// A web client: signs in with the access token, calls the REST API, opens event streams.
import { randomUUID } from 'node:crypto'
import { EventStream } from './events.mjs'
import { until } from './until.mjs'

export class Web {
    #streams = new Set()

    static async signIn(hub, namespace) {
        const web = new Web()
        web.url = hub.url
        web.accessToken = namespace ? `${hub.token}:${namespace}` : hub.token
        const answer = await fetch(`${hub.url}/api/auth`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ accessToken: web.accessToken })
        })
        if (!answer.ok) throw new Error(`sign-in answered ${answer.status}`)
        web.token = (await answer.json()).token
        return web
    }

    /** One call; the body is parsed when it is JSON. */
    async call(method, path, body) {
        const answer = await fetch(this.url + path, {
            method,
            headers: { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
            body: body === undefined ? undefined : JSON.stringify(body),
            signal: AbortSignal.timeout(60_000)
        })
        const text = await answer.text()
        const isJson = answer.headers.get('content-type')?.startsWith('application/json')
        return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
    }

    async #must(method, path, body) {
        const answer = await this.call(method, path, body)
        if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status} ${JSON.stringify(answer.body)}`)
        return answer.body
    }

    get(path) { return this.#must('GET', path) }
    post(path, body) { return this.#must('POST', path, body) }
    put(path, body) { return this.#must('PUT', path, body) }
    patch(path, body) { return this.#must('PATCH', path, body) }
    delete(path) { return this.#must('DELETE', path) }

    async events(query = { all: 'true' }, options = {}) {
        const stream = await EventStream.open(this.url, { token: this.token, query, ...options })
        this.#streams.add(stream)
        return stream
    }

    async session(id) {
        return (await this.get(`/api/sessions/${id}`)).session
    }

    /** Sends a prompt and returns its local id. */
    async prompt(sessionId, text, extra = {}) {
        const localId = randomUUID()
        await this.post(`/api/sessions/${sessionId}/messages`, { text, localId, ...extra })
        return localId
    }

    /** Every stored row of a session, oldest first, read page by page. */
    async rows(sessionId) {
        const seen = new Map()
        let cursor = ''
        for (;;) {
            const { messages, page } = await this.get(`/api/sessions/${sessionId}/messages?limit=200${cursor}`)
            for (const row of messages) {
                if (seen.has(row.id)) throw new Error(`row ${row.id} came on two pages`)
                seen.set(row.id, row)
            }
            if (!page.hasMore) return [...seen.values()].sort((a, b) => a.seq - b.seq)
            cursor = `&beforeSeq=${page.nextBeforeSeq}&beforeAt=${page.nextBeforeAt}`
        }
    }

    /** The permission request that a session is waiting with, for that tool if one is named. */
    request(sessionId, tool) {
        return until(`request for ${tool ?? 'a permission'}`, async () => {
            const { agentState } = await this.session(sessionId)
            const found = Object.entries(agentState?.requests ?? {}).find(([, request]) => !tool || request.tool === tool)
            return found && { id: found[0], ...found[1] }
        })
    }

    close() {
        for (const stream of this.#streams) stream.close()
        this.#streams.clear()
    }
}
