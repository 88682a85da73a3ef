/** The loaded part of a session's messages, and the pure moves on it. */
import type { Message, MessagePage } from '../api/types'

export interface Transcript {
  /** Ascending by position. */
  messages: Message[]
  epoch: number
  older: { seq: number; at: number } | null
}

/** Newest page of a transcript that was not loaded before. */
export function fromLatest(page: MessagePage): Transcript {
  return { messages: sorted(page.messages), epoch: page.page.epoch, older: olderCursor(page) }
}

export function withOlder(transcript: Transcript, page: MessagePage): Transcript {
  const messages = merged(transcript.messages, page.messages)
  return { messages, epoch: page.page.epoch, older: olderCursor(page) }
}

/**
 * Takes a freshly read newest page. What was loaded before is kept only when the page reaches back into it,
 * so that a transcript never has a hole.
 */
export function withLatest(transcript: Transcript | undefined, page: MessagePage): Transcript {
  const fresh = fromLatest(page)
  const from = fresh.older
  if (!transcript || !from || transcript.epoch !== fresh.epoch) return fresh
  const start: Place = [from.at, from.seq]
  const before = transcript.messages.filter((message) => !isQueued(message) && compare(place(message), start) < 0)
  const reaches = transcript.messages.some((message) => compare(place(message), start) >= 0)
  if (!reaches || before.length === 0) return fresh
  return { messages: merged(before, fresh.messages), epoch: fresh.epoch, older: transcript.older }
}

/** Adds a row or replaces the one with the same id or local id. */
export function withMessage(transcript: Transcript, message: Message): Transcript {
  return { ...transcript, messages: merged(transcript.messages, [message]) }
}

export function withoutMessage(transcript: Transcript, id: string): Transcript {
  const messages = transcript.messages.filter((message) => message.id !== id && message.localId !== id)
  return messages.length === transcript.messages.length ? transcript : { ...transcript, messages }
}

/** Changes the queued rows that carry one of these local ids. */
export function withQueued(transcript: Transcript, localIds: string[], change: (row: Message) => Message): Transcript {
  const ids = new Set(localIds)
  let changed = false
  const messages = transcript.messages.map((message) => {
    if (message.localId === null || !ids.has(message.localId) || message.invokedAt !== null) return message
    changed = true
    return change(message)
  })
  return changed ? { ...transcript, messages: sorted(messages) } : transcript
}

/** A row that its agent has not taken yet. */
export function isQueued(message: Message): boolean {
  return message.invokedAt === null && message.localId !== null
}

type Place = [at: number, seq: number]

function place(message: Message): Place {
  return [message.invokedAt ?? message.createdAt, message.seq ?? Number.MAX_SAFE_INTEGER]
}

function compare(a: Place, b: Place): number {
  return a[0] - b[0] || a[1] - b[1]
}

function sorted(messages: Message[]): Message[] {
  return messages.toSorted((a, b) => compare(place(a), place(b)))
}

function merged(known: Message[], news: Message[]): Message[] {
  const ids = new Set<string>()
  for (const message of news) {
    ids.add(message.id)
    if (message.localId !== null) ids.add(message.localId)
  }
  const kept = known.filter((row) => !ids.has(row.id) && !(row.localId !== null && ids.has(row.localId)))
  return sorted([...kept, ...news])
}

function olderCursor({ page }: MessagePage): Transcript['older'] {
  if (!page.hasMore || page.nextBeforeSeq === null || page.nextBeforeAt === null) return null
  return { seq: page.nextBeforeSeq, at: page.nextBeforeAt }
}
