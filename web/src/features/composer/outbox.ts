/**
 * Prompts on their way to the hub. They are kept in the browser until the hub has them, and sent again with the same
 * local id when a connection comes back; the hub takes a local id once.
 */
import { useCallback, useSyncExternalStore } from 'react'
import { body, hub } from '../../api/client'
import { HubError, messageOf } from '../../api/errors'
import { live } from '../../api/queries'

const STORAGE_KEY = 'wheelhouse.outbox'

export interface Unsent {
  localId: string
  sessionId: string
  text: string
  state: 'sending' | 'waiting' | 'refused' | 'taken'
  error?: string
}

interface Parts {
  storage: Pick<Storage, 'getItem' | 'setItem'>
  post: (entry: Unsent) => Promise<unknown>
}

export class Outbox {
  #entries: Unsent[]
  #bySession = new Map<string, Unsent[]>()
  #listeners = new Set<() => void>()

  constructor(private readonly parts: Parts) {
    this.#entries = load(parts.storage)
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The same array as long as nothing changed for this session. */
  of(sessionId: string): Unsent[] {
    const known = this.#bySession.get(sessionId)
    if (known) return known
    const entries = this.#entries.filter((entry) => entry.sessionId === sessionId)
    this.#bySession.set(sessionId, entries)
    return entries
  }

  send(sessionId: string, text: string): void {
    const entry: Unsent = { localId: newId(), sessionId, text, state: 'sending' }
    this.#write([...this.#entries, entry])
    void this.#post(entry)
  }

  retry(localId: string): void {
    const entry = this.#entries.find((each) => each.localId === localId)
    if (!entry) return
    this.#change(localId, 'sending')
    void this.#post(entry)
  }

  /** Sends, in their order, what could not be sent before. */
  async resume(): Promise<void> {
    for (const entry of this.#entries.filter((each) => each.state === 'waiting')) {
      this.#change(entry.localId, 'sending')
      await this.#post(entry)
    }
  }

  remove(localId: string): void {
    if (this.#entries.some((entry) => entry.localId === localId)) {
      this.#write(this.#entries.filter((entry) => entry.localId !== localId))
    }
  }

  async #post(entry: Unsent): Promise<void> {
    try {
      await this.parts.post(entry)
      this.#change(entry.localId, 'taken')
    } catch (error) {
      const final = error instanceof HubError && error.status >= 400 && error.status < 500 && error.status !== 429
      this.#change(entry.localId, final ? 'refused' : 'waiting', messageOf(error))
    }
  }

  #change(localId: string, state: Unsent['state'], error?: string): void {
    this.#write(
      this.#entries.map(({ error: _, ...entry }) =>
        entry.localId === localId ? { ...entry, state, ...(error !== undefined && { error }) } : entry,
      ),
    )
  }

  #write(entries: Unsent[]): void {
    this.#entries = entries
    this.#bySession.clear()
    this.parts.storage.setItem(STORAGE_KEY, JSON.stringify(entries))
    for (const listener of this.#listeners) listener()
  }
}

/** What was under way when the page closed may or may not have arrived, so it is sent again. */
function load(storage: Parts['storage']): Unsent[] {
  try {
    const stored: unknown = JSON.parse(storage.getItem(STORAGE_KEY) ?? '[]')
    if (!Array.isArray(stored)) return []
    return (stored as Unsent[])
      .filter((entry) => entry.state !== 'taken')
      .map((entry) => (entry.state === 'sending' ? { ...entry, state: 'waiting' } : entry))
  } catch {
    return []
  }
}

/** `crypto.randomUUID` exists only on secure origins, and a hub in the local network is often not one. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export const outbox = new Outbox({
  storage: window.localStorage,
  post: ({ sessionId, text, localId }) =>
    body(hub.POST('/api/sessions/{id}/messages', { params: { path: { id: sessionId } }, body: { text, localId } })),
})

live.onOpen(() => void outbox.resume())

export function useOutbox(sessionId: string): Unsent[] {
  return useSyncExternalStore(
    outbox.subscribe,
    useCallback(() => outbox.of(sessionId), [sessionId]),
  )
}
