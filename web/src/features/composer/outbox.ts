/**
 * Prompts on their way to the hub. They are kept in the browser until the hub has them, and sent again with the same
 * local id when a connection comes back; the hub takes a local id once.
 */
import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useSyncExternalStore } from 'react'
import { body, hub } from '../../api/client'
import { HubError, messageOf } from '../../api/errors'
import { live, sessionsQuery } from '../../api/queries'
import type { SessionSummary } from '../../api/types'

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

  /** Sends, in their order, what could not be sent before; given sessions, only to those. */
  async resume(sessionIds?: ReadonlySet<string>): Promise<void> {
    const waiting = this.#entries.filter((each) => each.state === 'waiting')
    for (const entry of waiting.filter((each) => sessionIds?.has(each.sessionId) ?? true)) {
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
      this.#change(entry.localId, isFinal(error) ? 'refused' : 'waiting', messageOf(error))
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

/** A session that is offline, as all are just after a hub restart, takes the prompt when its agent is back. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof HubError) || error.code === 'session_inactive') return false
  return error.status >= 400 && error.status < 500 && error.status !== 401 && error.status !== 429
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

/** Sends what waits for a session as soon as that session is active again. */
export function useResumeWithSessions(): void {
  const { data: active = '' } = useQuery({ ...sessionsQuery, select: activeIds })
  useEffect(() => {
    if (active) void outbox.resume(new Set(active.split(' ')))
  }, [active])
}

function activeIds(rows: SessionSummary[]): string {
  return rows
    .filter((row) => row.active)
    .map((row) => row.id)
    .toSorted()
    .join(' ')
}
