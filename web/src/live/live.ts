/** Joins the event stream to the query cache: events are applied once a frame, reads never lose an event. */
import type { QueryClient } from '@tanstack/react-query'
import { body, fetchSigned, hub } from '../api/client'
import { keys } from '../api/keys'
import type { HubEvent, Notice } from './events'
import { type Held, type Part, reduce } from './reduce'
import { type Connection, EventStream } from './stream'

const READ_ANYWAY_AFTER_MS = 2_000

export class Live {
  #stream: EventStream
  #connection: Connection = { state: 'connecting', since: Date.now() }
  #connectionListeners = new Set<() => void>()
  #openListeners = new Set<() => void>()
  #noticeListeners = new Set<(notice: Notice) => void>()
  #waiting: HubEvent[] = []
  #flushing = false
  #recorders = new Set<HubEvent[]>()
  #subscriptionId: string | undefined
  #gate = new Gate()

  constructor(private readonly queries: QueryClient) {
    this.#stream = new EventStream({
      open: fetchSigned,
      onEvent: (event) => this.#receive(event),
      onConnection: (connection) => this.#connected(connection),
      visible: () => document.visibilityState === 'visible',
      now: Date.now,
    })
  }

  start(): void {
    const gate = this.#gate
    setTimeout(() => gate.open(), READ_ANYWAY_AFTER_MS)
    document.addEventListener('visibilitychange', this.#visibilityChanged)
    window.addEventListener('online', this.#networkChanged)
    this.#stream.start()
  }

  stop(): void {
    document.removeEventListener('visibilitychange', this.#visibilityChanged)
    window.removeEventListener('online', this.#networkChanged)
    this.#stream.stop()
    this.#waiting = []
    this.#gate = new Gate()
  }

  get connection(): Connection {
    return this.#connection
  }

  onConnection = (listener: () => void): (() => void) => {
    this.#connectionListeners.add(listener)
    return () => this.#connectionListeners.delete(listener)
  }

  /** Called after each handshake. */
  onOpen(listener: () => void): () => void {
    this.#openListeners.add(listener)
    return () => this.#openListeners.delete(listener)
  }

  /** Called for each notice that the hub sends to who is looking. */
  onNotice = (listener: (notice: Notice) => void): (() => void) => {
    this.#noticeListeners.add(listener)
    return () => this.#noticeListeners.delete(listener)
  }

  /**
   * Reads from the hub once the stream listens, and applies to the result what was told while the read was under way.
   * So a fact is either in the answer or in an event, never lost between the two.
   */
  async read<T>(read: () => Promise<T>, apply: (value: T, event: HubEvent) => T): Promise<T> {
    await this.#gate.opened
    const recorded: HubEvent[] = []
    this.#recorders.add(recorded)
    try {
      return recorded.reduce(apply, await read())
    } finally {
      this.#recorders.delete(recorded)
    }
  }

  #receive(event: HubEvent): void {
    if (event.type === 'heartbeat') return
    if (event.type === 'toast') {
      for (const listener of this.#noticeListeners) listener(event.data)
      return
    }
    if (event.type === 'connection-changed') {
      this.#subscriptionId = event.data.subscriptionId
      const nothingWasRead = !this.#gate.isOpen
      this.#gate.open()
      if (event.data.resume !== 'ok' && !nothingWasRead) void this.queries.invalidateQueries()
      for (const listener of this.#openListeners) listener()
      return
    }
    for (const recorded of this.#recorders) recorded.push(event)
    this.#waiting.push(event)
    if (this.#flushing) return
    this.#flushing = true
    const flush = () => this.#flush()
    // A hidden tab gets no frames.
    if (document.visibilityState === 'visible') requestAnimationFrame(flush)
    else setTimeout(flush)
  }

  #flush(): void {
    this.#flushing = false
    const batch = new Batch(this.queries)
    for (const event of this.#waiting.splice(0)) batch.apply(event)
    batch.write()
  }

  #connected(connection: Connection): void {
    this.#connection = connection
    if (connection.state === 'lost') this.#gate.open()
    for (const listener of this.#connectionListeners) listener()
  }

  #visibilityChanged = (): void => {
    const visible = document.visibilityState === 'visible'
    if (visible) this.#stream.wake()
    if (this.#subscriptionId === undefined) return
    const visibility = visible ? 'visible' : 'hidden'
    const told = hub.POST('/api/visibility', { body: { subscriptionId: this.#subscriptionId, visibility } })
    // A stream that ended meanwhile tells its visibility again when it opens.
    body(told).catch(() => {})
  }

  #networkChanged = (): void => this.#stream.reconnect()
}

/** Holds reads back until the stream listens, or until it is clear that it does not yet. */
class Gate {
  isOpen = false
  open: () => void = () => {}
  readonly opened = new Promise<void>((resolve) => {
    this.open = () => {
      this.isOpen = true
      resolve()
    }
  })
}

/** The cached parts that one frame's events touch, each written back once. */
class Batch {
  #values = new Map<string, { key: readonly string[]; before: unknown; now: unknown }>()
  #reread = new Map<string, readonly string[]>()

  constructor(private readonly queries: QueryClient) {}

  apply(event: HubEvent): void {
    if (!('sessionId' in event)) return
    const id = event.sessionId
    const held: Held = {
      sessions: this.#get(keys.sessions) as Held['sessions'],
      session: this.#get(keys.session(id)) as Held['session'],
      transcript: this.#get(keys.transcript(id)) as Held['transcript'],
      decisions: this.#get(keys.decisions(id)) as Held['decisions'],
      contacts: this.#get(keys.contacts) as Held['contacts'],
    }
    const reduced = reduce(held, event)
    this.#set(keys.sessions, reduced.held.sessions)
    this.#set(keys.session(id), reduced.held.session)
    this.#set(keys.transcript(id), reduced.held.transcript)
    this.#set(keys.decisions(id), reduced.held.decisions)
    this.#set(keys.contacts, reduced.held.contacts)
    for (const part of reduced.reread) {
      const key = keyOf(part, id)
      this.#reread.set(key.join(), key)
    }
  }

  write(): void {
    for (const { key, before, now } of this.#values.values()) {
      if (now === before) continue
      // An open page then reads again, and learns that its session is gone.
      if (now === undefined) void this.queries.resetQueries({ queryKey: key, exact: true })
      else this.queries.setQueryData(key, now)
    }
    for (const queryKey of this.#reread.values()) void this.queries.invalidateQueries({ queryKey, exact: true })
  }

  #get(key: readonly string[]): unknown {
    const name = key.join()
    const known = this.#values.get(name)
    if (known) return known.now
    const before = this.queries.getQueryData(key)
    this.#values.set(name, { key, before, now: before })
    return before
  }

  #set(key: readonly string[], value: unknown): void {
    const known = this.#values.get(key.join())
    if (known) known.now = value
  }
}

function keyOf(part: Part, id: string): readonly string[] {
  return part === 'sessions' ? keys.sessions : keys[part](id)
}
