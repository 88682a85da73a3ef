/**
 * Keeps one event stream to the hub open: connects, resumes after the last handled event, notices silence, and waits
 * longer after each failure. It knows nothing of what the events mean.
 */
import { type HubEvent, parseEvent } from './events'
import { FrameReader } from './frames'

const OPEN_WITHIN_MS = 10_000
/** The hub writes at least every 45 s; a tab that comes back does not wait for the long limit. */
const SILENT_AFTER_MS = 90_000
const SILENT_ON_RETURN_MS = 45_000
const BACK_OFF_SECONDS = [0, 1, 2, 4, 8, 15, 30]

export type Connection = { state: 'open' } | { state: 'connecting' | 'lost'; since: number }

interface Parts {
  open: (request: Request) => Promise<Response>
  onEvent: (event: HubEvent) => void
  onConnection: (connection: Connection) => void
  visible: () => boolean
  now: () => number
}

export class EventStream {
  #cursor: string | undefined
  #attempt: AbortController | undefined
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #watch: ReturnType<typeof setTimeout> | undefined
  #lastFrameAt = 0
  #lostSince: number | undefined
  #stopped = false

  constructor(private readonly parts: Parts) {}

  start(): void {
    this.#stopped = false
    void this.#connect()
  }

  stop(): void {
    this.#stopped = true
    this.#drop()
  }

  /** The tab or the network came back: a stream that may be dead is replaced at once. */
  wake(): void {
    if (this.#stopped) return
    const silent = this.parts.now() - this.#lastFrameAt > SILENT_ON_RETURN_MS
    if (this.#retry !== undefined || silent) {
      this.#failures = 0
      void this.#connect()
    }
  }

  /** The network changed under the stream, so the old socket proves nothing. */
  reconnect(): void {
    if (this.#stopped) return
    this.#failures = 0
    void this.#connect()
  }

  #drop(): void {
    clearTimeout(this.#retry)
    clearTimeout(this.#watch)
    this.#retry = undefined
    this.#attempt?.abort()
    this.#attempt = undefined
  }

  async #connect(): Promise<void> {
    this.#drop()
    const attempt = new AbortController()
    this.#attempt = attempt
    this.#lastFrameAt = this.parts.now()
    if (this.#lostSince === undefined) this.parts.onConnection({ state: 'connecting', since: this.#lastFrameAt })
    this.#expectFrameWithin(OPEN_WITHIN_MS, attempt)
    try {
      const response = await this.parts.open(this.#request(attempt.signal))
      if (!response.ok || !response.body) throw new Error(`the stream was refused with ${response.status}`)
      await this.#read(response.body, attempt)
    } catch {
      // Whatever ended the attempt, the next one tells more than the cause would.
    }
    if (this.#attempt === attempt && !this.#stopped) this.#retryLater()
  }

  #request(signal: AbortSignal): Request {
    const url = new URL('/api/events', window.location.origin)
    url.searchParams.set('all', 'true')
    if (this.parts.visible()) url.searchParams.set('visibility', 'visible')
    const headers = new Headers({ Accept: 'text/event-stream' })
    if (this.#cursor !== undefined) headers.set('Last-Event-ID', this.#cursor)
    return new Request(url, { headers, signal, cache: 'no-store' })
  }

  async #read(body: ReadableStream<Uint8Array>, attempt: AbortController): Promise<void> {
    const frames = new FrameReader()
    const decoder = new TextDecoder()
    const reader = body.getReader()
    for (;;) {
      const { value, done } = await reader.read()
      if (done || attempt.signal.aborted) return
      this.#lastFrameAt = this.parts.now()
      this.#expectFrameWithin(SILENT_AFTER_MS, attempt)
      for (const frame of frames.push(decoder.decode(value, { stream: true }))) {
        const event = parseEvent(frame.data)
        if (event?.type === 'connection-changed') this.#opened()
        if (event) this.parts.onEvent(event)
        if (frame.id !== undefined) this.#cursor = frame.id
      }
    }
  }

  #opened(): void {
    this.#failures = 0
    this.#lostSince = undefined
    this.parts.onConnection({ state: 'open' })
  }

  #expectFrameWithin(ms: number, attempt: AbortController): void {
    clearTimeout(this.#watch)
    this.#watch = setTimeout(() => attempt.abort(), ms)
  }

  #retryLater(): void {
    clearTimeout(this.#watch)
    this.#lostSince ??= this.parts.now()
    this.parts.onConnection({ state: 'lost', since: this.#lostSince })
    const seconds = BACK_OFF_SECONDS[Math.min(this.#failures, BACK_OFF_SECONDS.length - 1)] ?? 30
    this.#failures += 1
    this.#retry = setTimeout(() => void this.#connect(), seconds * 1000 + Math.random() * 500)
  }
}
