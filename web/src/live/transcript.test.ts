import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aMessage, aPage } from '../testing/records'
import { fromLatest, withLatest, withOlder } from './transcript'

const rows = Array.from({ length: 30 }, (_, index) =>
  aMessage({ id: `m${index + 1}`, seq: index + 1, createdAt: index + 1 }),
)

function pageOf(from: number, to: number, epoch = 0) {
  const first = rows[from]
  const older = from > 0 && first ? { nextBeforeSeq: first.seq, nextBeforeAt: first.createdAt, hasMore: true } : {}
  return aPage(rows.slice(from, to), { epoch, ...older })
}

test('pages read backwards from any size are the whole history', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), (size) => {
      let transcript = fromLatest(pageOf(rows.length - size, rows.length))
      while (transcript.older) {
        const end = rows.findIndex((row) => row.seq === transcript.older?.seq)
        transcript = withOlder(transcript, pageOf(Math.max(0, end - size), end))
      }
      expect(transcript.messages).toEqual(rows)
    }),
  )
})

test('a newest page that reaches back into the transcript keeps the older part', () => {
  const known = fromLatest(pageOf(5, 20))
  const read = withLatest(known, pageOf(15, 30))
  expect(read.messages).toEqual(rows.slice(5, 30))
  expect(read.older).toEqual(known.older)
})

test('a newest page beyond a hole starts the transcript anew', () => {
  expect(withLatest(fromLatest(pageOf(0, 10)), pageOf(20, 30)).messages).toEqual(rows.slice(20, 30))
})

test('a changed history starts the transcript anew', () => {
  expect(withLatest(fromLatest(pageOf(5, 20)), pageOf(15, 30, 1)).messages).toEqual(rows.slice(15, 30))
})

test('a queued row that a fresh page lacks is gone', () => {
  const queued = aMessage({ id: 'q', localId: 'l', createdAt: 2, invokedAt: null })
  const known = fromLatest(aPage([queued, ...rows.slice(5, 20)], { hasMore: true, nextBeforeSeq: 6, nextBeforeAt: 6 }))
  expect(withLatest(known, pageOf(15, 30)).messages.some((row) => row.id === 'q')).toBe(false)
})
