// The CLI's side of the protocol, spoken by hand: its HTTP calls, and sockets of the released socket.io-client.
import { randomUUID } from 'node:crypto'
import { io } from 'socket.io-client'
import { within } from './until.mjs'

export class Cli {
    #sockets = new Set()

    constructor(hub, namespace) {
        this.url = hub.url
        this.token = namespace ? `${hub.token}:${namespace}` : hub.token
    }

    async #post(path, body) {
        const answer = await fetch(this.url + path, {
            method: 'POST',
            headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
            body: JSON.stringify(body)
        })
        if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status} ${await answer.text()}`)
        return answer.json()
    }

    async createSession({ tag = randomUUID(), metadata = {} } = {}) {
        const { session } = await this.#post('/cli/sessions', {
            tag, agentState: {}, metadata: { path: '/srv/project', host: 'box', flavor: 'claude', lifecycleState: 'running', ...metadata }
        })
        return session
    }

    async createMachine(id = randomUUID()) {
        const { machine } = await this.#post('/cli/machines', {
            id, runnerState: { status: 'offline' },
            metadata: { host: 'box', platform: 'linux', happyCliVersion: '0.30.7', homeDir: '/srv', happyHomeDir: '/srv/.hapi', capabilities: ['agent-availability'] }
        })
        return machine
    }

    /** A socket that is not connected yet; `namespace` is the Socket.IO one. */
    socket({ auth = {}, namespace = '/cli', token = this.token, ...options } = {}) {
        const socket = io(this.url + namespace, {
            auth: { ...(token === null ? {} : { token }), ...auth },
            transports: ['websocket'], forceNew: true, reconnection: false, timeout: 30_000, ...options
        })
        this.#sockets.add(socket)
        socket.received = []
        socket.onAny((event, ...args) => {
            if (typeof args.at(-1) === 'function') args.pop()
            socket.received.push({ event, body: args[0] })
        })
        return socket
    }

    async connect(options) {
        const socket = this.socket(options)
        await within('connected socket', new Promise((resolve, reject) => {
            socket.once('connect', resolve).once('connect_error', reject)
        }), 40_000)
        return socket
    }

    /** The text of the CONNECT_ERROR packet that refuses this socket. */
    refusal(options) {
        const socket = this.socket(options)
        return within('refusal', new Promise((resolve, reject) => {
            socket.once('connect_error', (error) => resolve(error.message)).once('connect', () => reject(new Error('the socket was accepted')))
        })).finally(() => socket.disconnect())
    }

    /** A socket that speaks for a session, registered for RPC methods and alive. */
    async attach(sessionId, methods = {}, options = {}) {
        const socket = await this.connect({ ...options, auth: { clientType: 'session-scoped', sessionId } })
        serve(socket, sessionId, methods)
        socket.emit('session-alive', { sid: sessionId, time: Date.now(), thinking: false })
        await barrier(socket)
        return socket
    }

    close() {
        for (const socket of this.#sockets) socket.disconnect()
        this.#sockets.clear()
    }
}

/** Registers RPC methods and answers them; a handler's value is sent as JSON text, as released CLIs do. */
export function serve(socket, scope, methods) {
    socket.on('rpc-request', async ({ method, params }, reply) => {
        const handler = method.startsWith(`${scope}:`) && methods[method.slice(scope.length + 1)]
        if (!handler) return
        const value = await handler(JSON.parse(params))
        reply(value === undefined ? null : JSON.stringify(value))
    })
    for (const method of Object.keys(methods)) socket.emit('rpc-register', { method: `${scope}:${method}` })
}

/** Emits an event and waits for its acknowledgement, whose arguments are returned as a list. */
export function ask(socket, event, ...args) {
    return within(`acknowledgement of ${event}`, new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer))))
}

/** Returns when the hub has stored everything that this socket sent before. */
export const barrier = (socket) => ask(socket, 'ping')

/** The first event of that name that satisfies the predicate, received already or to come. */
export function received(socket, event, predicate = () => true) {
    const found = socket.received.find((entry) => entry.event === event && predicate(entry.body))
    if (found) return Promise.resolve(found.body)
    let listener
    return within(`${event} on the socket`, new Promise((resolve) => {
        listener = (body) => { if (predicate(body)) resolve(body) }
        socket.on(event, listener)
    })).finally(() => socket.off(event, listener))
}

export const updates = (socket, type) => socket.received.filter(({ event, body }) => event === 'update' && body.body.t === type).map(({ body }) => body)

export const agentText = (text) => ({
    role: 'agent', content: { type: 'codex', data: { type: 'message', message: text } }, meta: { sentFrom: 'cli' }
})
