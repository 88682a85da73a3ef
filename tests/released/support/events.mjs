// One event stream (`GET /api/events`), read frame by frame. node:http is used rather than fetch, so that
// a test decides by itself about compression.
import http from 'node:http'
import zlib from 'node:zlib'
import { within } from './until.mjs'

export class EventStream {
    frames = []
    #waiting = new Set()

    /** Opens a stream and waits for its first frame, the handshake. */
    static async open(url, { token, query = {}, lastEventId, headers = {} }) {
        const stream = new EventStream()
        const target = new URL('/api/events', url)
        for (const [key, value] of Object.entries(query)) target.searchParams.set(key, value)
        stream.request = http.request(target, {
            agent: false,
            headers: {
                authorization: `Bearer ${token}`,
                accept: 'text/event-stream',
                ...(lastEventId ? { 'last-event-id': lastEventId } : {}),
                ...headers
            }
        })
        const response = await within('answer of the event stream', new Promise((resolve, reject) => {
            stream.request.once('response', resolve).once('error', reject).end()
        }))
        stream.request.on('error', () => {})
        stream.response = response
        if (response.statusCode !== 200) {
            const chunks = await response.toArray()
            throw Object.assign(new Error(`event stream answered ${response.statusCode}`), {
                status: response.statusCode,
                body: Buffer.concat(chunks).toString()
            })
        }
        stream.#read(response)
        stream.handshake = (await stream.waitFor('handshake', () => true)).data
        return stream
    }

    #read(response) {
        let source = response
        if (response.headers['content-encoding'] === 'gzip') {
            source = response.pipe(zlib.createGunzip({ flush: zlib.constants.Z_SYNC_FLUSH }))
        }
        let rest = ''
        source.setEncoding('utf8')
        source.on('data', (chunk) => {
            const parts = (rest + chunk).split('\n\n')
            rest = parts.pop()
            for (const part of parts) this.#take(part)
        })
        const closed = () => { this.closed = true; this.#wake() }
        source.on('error', closed).on('close', closed)
        response.on('error', closed).on('close', closed)
    }

    #take(text) {
        const lines = text.split('\n')
        const field = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart())
        const data = field('data')
        if (data.length === 0) return
        this.frames.push({ id: field('id')[0], lines, data: JSON.parse(data.join('\n')), at: Date.now() })
        this.#wake()
    }

    #wake() {
        for (const check of [...this.#waiting]) check()
    }

    /** The events without handshake and heartbeats. */
    get events() {
        return this.frames.filter(({ data }) => data.type !== 'connection-changed' && data.type !== 'heartbeat')
    }

    /** The events that have a number; a patch that only moves a time may come without. */
    get numbered() {
        return this.events.filter(({ id }) => id)
    }

    get lastEventId() {
        return this.frames.findLast((frame) => frame.id)?.id
    }

    /** The first frame from index `from` on that satisfies the predicate, present or to come. */
    waitFor(what, predicate, { from = 0, deadline = 20_000 } = {}) {
        let next = from
        let check
        const found = new Promise((resolve, reject) => {
            check = () => {
                for (; next < this.frames.length; next++) {
                    if (predicate(this.frames[next].data, this.frames[next])) return resolve(this.frames[next])
                }
                if (this.closed) reject(new Error(`the event stream ended before ${what}`))
            }
            this.#waiting.add(check)
            check()
        })
        return within(`${what} on the event stream`, found, deadline).finally(() => this.#waiting.delete(check))
    }

    /** Waits until each of these rows has been told, and returns all that was told of their session's messages. */
    async tellsOf(rows) {
        for (const row of rows) await this.waitFor(`row ${JSON.stringify(row)}`, ({ type, message }) => type === 'message-received' && message.id === row.id)
        return this.events.map(({ data }) => data).filter(({ type, message }) => type === 'message-received' && rows.some((row) => row.id === message.id))
    }

    close() {
        this.request.destroy()
    }
}
