import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseEvent } from './events'
import { FrameReader } from './frames'

const STREAM = 'data: {"type":"heartbeat"}\n\ndata: {"a":"ü"}\nid: e:1:t\n\n: note\n\ndata: x\r\nid: e:2:t\r\n\r\n'

test('frames are the same however the stream is cut', () => {
  const cuts = fc.array(fc.integer({ min: 0, max: STREAM.length }), { maxLength: 8 })
  fc.assert(
    fc.property(cuts, (places) => {
      const reader = new FrameReader()
      const edges = [0, ...places.toSorted((a, b) => a - b), STREAM.length]
      const frames = edges.slice(1).flatMap((edge, index) => reader.push(STREAM.slice(edges[index], edge)))
      expect(frames).toEqual([
        { data: '{"type":"heartbeat"}' },
        { data: '{"a":"ü"}', id: 'e:1:t' },
        { data: 'x', id: 'e:2:t' },
      ])
    }),
  )
})

test('unknown events and broken JSON are passed over', () => {
  expect(parseEvent('{"type":"machine-updated","machineId":"m"}')).toBeUndefined()
  expect(parseEvent('{"type":')).toBeUndefined()
  expect(parseEvent('{"type":"heartbeat"}')).toEqual({ type: 'heartbeat' })
})
