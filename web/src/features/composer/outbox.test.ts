import { expect, test, vi } from 'vitest'
import { HubAway, HubError } from '../../api/errors'
import { Outbox, type Unsent } from './outbox'

function storage(stored = '[]') {
  let value = stored
  return {
    getItem: () => value,
    setItem: (_: string, next: string) => {
      value = next
    },
  }
}

/** An outbox whose posts end as told, one after the other. */
function anOutbox(...ends: (Error | 'ok')[]) {
  const posted: Unsent[] = []
  const post = async (entry: Unsent) => {
    posted.push(entry)
    const end = ends.shift() ?? 'ok'
    if (end !== 'ok') throw end
  }
  const kept = storage()
  return { outbox: new Outbox({ storage: kept, post }), posted, kept, post }
}

const states = (outbox: Outbox) => outbox.of('s').map((entry) => entry.state)

test('a prompt that the hub took is kept until the transcript shows it', async () => {
  const { outbox } = anOutbox()
  outbox.send('s', 'hi')
  await vi.waitFor(() => expect(states(outbox)).toEqual(['taken']))
  outbox.remove(outbox.of('s')[0]?.localId ?? '')
  expect(states(outbox)).toEqual([])
})

test.each([
  [new HubAway(), 'waiting'],
  [new HubError(503, 'Not connected'), 'waiting'],
  [new HubError(409, 'Session is inactive', 'session_inactive'), 'waiting'],
  [new HubError(400, 'Invalid body'), 'refused'],
])('after %s a prompt is %s', async (error, state) => {
  const { outbox } = anOutbox(error)
  outbox.send('s', 'hi')
  await vi.waitFor(() => expect(states(outbox)).toEqual([state]))
})

test('what waits is sent again in order, with the same local ids', async () => {
  const { outbox, posted } = anOutbox(new HubAway(), new HubAway())
  outbox.send('s', 'one')
  outbox.send('s', 'two')
  await vi.waitFor(() => expect(states(outbox)).toEqual(['waiting', 'waiting']))
  await outbox.resume(new Set(['other']))
  expect(posted).toHaveLength(2)
  await outbox.resume(new Set(['s']))
  expect(posted.slice(2).map((entry) => entry.text)).toEqual(['one', 'two'])
  expect(posted.slice(2).map((entry) => entry.localId)).toEqual(posted.slice(0, 2).map((entry) => entry.localId))
})

test('a reload keeps what was not taken, and takes nothing for sent', async () => {
  const { outbox, kept, post } = anOutbox('ok', new HubAway())
  outbox.send('s', 'taken')
  outbox.send('s', 'away')
  await vi.waitFor(() => expect(states(outbox)).toEqual(['taken', 'waiting']))
  const again = new Outbox({ storage: kept, post })
  expect(again.of('s').map((entry) => [entry.text, entry.state])).toEqual([['away', 'waiting']])
})
