/** A scripted agent process: it registers a session and speaks the socket protocol of a real one. */
import { randomUUID } from 'node:crypto'
import { io } from 'socket.io-client'
import { TOKEN, until } from './hub.mjs'

const ALIVE_EVERY_MS = 1_000

export class Cli {
  /** Prompts that the hub delivered. */
  prompts = []
  /** Decisions that the hub delivered. */
  decisions = []
  /** Aborts that the hub delivered. */
  aborts = 0
  thinking = false
  #metadataVersion
  #stateVersion
  #state = { controlledByUser: false, startingMode: 'remote', requests: {}, completedRequests: {} }
  #taken = new Set()

  static async start(hub, metadata = {}) {
    const cli = new Cli()
    cli.hub = hub
    const response = await fetch(`${hub.hubUrl}/cli/sessions`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        tag: randomUUID(),
        metadata: { path: '/home/dev/shop', host: 'box', os: 'linux', flavor: 'claude', ...metadata },
        agentState: {},
      }),
    })
    if (!response.ok) throw new Error(`the session was refused with ${response.status}`)
    const { session } = await response.json()
    cli.id = session.id
    cli.#metadataVersion = session.metadataVersion
    cli.#stateVersion = session.agentStateVersion
    cli.#connect()
    await until('the agent is linked', () => cli.socket.connected)
    await cli.#writeState()
    return cli
  }

  #connect() {
    const auth = { token: TOKEN, clientType: 'session-scoped', sessionId: this.id }
    this.socket = io(`${this.hub.hubUrl}/cli`, { auth, transports: ['websocket'], reconnectionDelayMax: 500 })
    this.socket.on('connect', () => {
      for (const method of ['permission', 'abort', 'killSession']) {
        this.socket.emit('rpc-register', { method: `${this.id}:${method}` })
      }
      this.#alive()
    })
    this.socket.on('update', (update, ack) => this.#update(update.body, ack))
    this.socket.on('rpc-request', ({ method, params }, ack) => this.#rpc(method.split(':')[1], JSON.parse(params), ack))
    this.timer = setInterval(() => this.#alive(), ALIVE_EVERY_MS)
  }

  #alive() {
    this.socket.volatile.emit('session-alive', {
      sid: this.id,
      time: Date.now(),
      thinking: this.thinking,
      mode: 'remote',
    })
  }

  setThinking(thinking) {
    this.thinking = thinking
    this.#alive()
  }

  say(text) {
    this.output({
      type: 'assistant',
      uuid: randomUUID(),
      message: { id: randomUUID(), role: 'assistant', content: [{ type: 'text', text }] },
    })
  }

  callTool(id, name, input) {
    const content = [{ type: 'tool_use', id, name, input }]
    this.output({ type: 'assistant', uuid: randomUUID(), message: { role: 'assistant', content } })
  }

  endTool(id, content, failed = false) {
    const block = { type: 'tool_result', tool_use_id: id, content, is_error: failed }
    this.output({ type: 'user', uuid: randomUUID(), message: { role: 'user', content: [block] } })
  }

  output(data) {
    this.message({ role: 'agent', content: { type: 'output', data }, meta: { sentFrom: 'cli' } })
  }

  message(message) {
    this.socket.emit('message', { sid: this.id, message })
  }

  consume(localIds) {
    this.socket.emit('messages-consumed', { sid: this.id, localIds, clearQueuedThinkingGrace: true })
  }

  async ask(requestId, tool, args) {
    this.#state.requests[requestId] = { tool, arguments: args, createdAt: Date.now() }
    await this.#writeState()
  }

  async close(requestId, status) {
    const { [requestId]: request, ...rest } = this.#state.requests
    this.#state.requests = rest
    this.#state.completedRequests[requestId] = { ...request, completedAt: Date.now(), status }
    await this.#writeState()
  }

  /** The agent ends in good order. */
  async end() {
    clearInterval(this.timer)
    this.socket.emit('session-end', { sid: this.id, time: Date.now(), reason: 'completed' })
    await this.socket.timeout(5_000).emitWithAck('ping')
  }

  /** The agent's process lives on, but its socket is gone. */
  leave() {
    this.socket.disconnect()
  }

  comeBack() {
    this.socket.connect()
  }

  stop() {
    clearInterval(this.timer)
    this.socket.disconnect()
  }

  async #writeState() {
    const payload = () => ({ sid: this.id, expectedVersion: this.#stateVersion, agentState: this.#state })
    for (;;) {
      const answer = await this.socket.timeout(5_000).emitWithAck('update-state', payload())
      this.#stateVersion = answer.version
      if (answer.result === 'success') return
      if (answer.result === 'error') throw new Error('the state was refused')
    }
  }

  #update(body, ack) {
    if (body.t === 'new-message' && body.message.content.role === 'user') {
      if (this.#taken.has(body.message.id)) return
      this.#taken.add(body.message.id)
      this.prompts.push({ text: body.message.content.content.text, localId: body.message.localId })
    }
    if (body.t === 'cancel-queued-message')
      ack?.({ removed: true, inFlight: false, indeterminate: false, consumed: false })
  }

  #rpc(method, params, ack) {
    if (method === 'permission') this.decisions.push(params)
    if (method === 'abort') this.aborts += 1
    ack(null)
  }
}
