import { QueryClient } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keys } from '../api/keys'
import type { Session } from '../api/types'
import { aSession } from '../testing/records'
import { Live } from './live'
import { reduce } from './reduce'

/** The hub's end of each event stream that was opened. */
interface Opened {
  lastEventId: string | null
  authorization: string | null
  address: string
  send: (event: object, id?: string) => void
  end: () => void
}

let streams: Opened[]
let queries: QueryClient
let live: Live

beforeEach(() => {
  streams = []
  localStorage.setItem('wheelhouse.token', 'base')
  vi.spyOn(window, 'fetch').mockImplementation(async (input) => {
    const request = input instanceof Request ? input : new Request(new URL(String(input), location.href))
    const url = new URL(request.url)
    if (url.pathname === '/api/auth') return Response.json({ token: 'bearer' })
    if (url.pathname !== '/api/events') return Response.json({ ok: true })
    return new Response(openStream(request))
  })
  queries = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  live = new Live(queries)
})

afterEach(() => live.stop())

function openStream(request: Request): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      const encoder = new TextEncoder()
      streams.push({
        lastEventId: request.headers.get('Last-Event-ID'),
        authorization: request.headers.get('Authorization'),
        address: request.url,
        send: (event, id) =>
          controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n${id ? `id: ${id}\n` : ''}\n`)),
        end: () => controller.close(),
      })
    },
  })
}

async function stream(number: number): Promise<Opened> {
  await vi.waitFor(() => expect(streams.length).toBe(number), { timeout: 3_000 })
  return streams[number - 1] as Opened
}

function handshake(resume: 'ok' | 'gap') {
  return { type: 'connection-changed', data: { status: 'connected', subscriptionId: 'x', resume } }
}

const thinking = { type: 'session-updated', sessionId: 's1', data: { thinking: true } }

test('the bearer travels in the header, never in the address', async () => {
  live.start()
  const opened = await stream(1)
  expect(opened.authorization).toBe('Bearer bearer')
  expect(opened.address).not.toContain('bearer')
})

test('a stream that ends is resumed after the last event', async () => {
  queries.setQueryData(keys.session('s1'), aSession())
  live.start()
  const first = await stream(1)
  first.send(handshake('gap'))
  first.send(thinking, 'e:7:t')
  await vi.waitFor(() => expect(queries.getQueryData<Session>(keys.session('s1'))?.thinking).toBe(true))
  first.end()
  const second = await stream(2)
  expect(second.lastEventId).toBe('e:7:t')
})

test('a gap marks everything that was read as old, a resumed stream does not', async () => {
  const isOld = () => queries.getQueryState(keys.session('s1'))?.isInvalidated
  live.start()
  const first = await stream(1)
  first.send(handshake('gap'))
  await live.read(
    async () => undefined,
    (value) => value,
  )
  queries.setQueryData(keys.session('s1'), aSession())
  first.end()
  const second = await stream(2)
  second.send(handshake('ok'))
  await vi.waitFor(() => expect(live.connection.state).toBe('open'))
  expect(isOld()).toBe(false)
  second.end()
  const third = await stream(3)
  third.send(handshake('gap'))
  await vi.waitFor(() => expect(isOld()).toBe(true))
})

test('a read waits for the handshake and keeps what was told while it was under way', async () => {
  live.start()
  const opened = await stream(1)
  let answer: (session: Session) => void = () => {}
  const started = vi.fn()
  const read = live.read(
    () => {
      started()
      return new Promise<Session>((resolve) => {
        answer = resolve
      })
    },
    (session, event) => reduce({ session }, event).held.session ?? session,
  )
  expect(started).not.toHaveBeenCalled()
  opened.send(handshake('gap'))
  await vi.waitFor(() => expect(started).toHaveBeenCalled())
  queries.setQueryData(keys.session('s1'), aSession())
  opened.send(thinking, 'e:1:t')
  await vi.waitFor(() => expect(queries.getQueryData<Session>(keys.session('s1'))?.thinking).toBe(true))
  answer(aSession())
  expect((await read).thinking).toBe(true)
})
