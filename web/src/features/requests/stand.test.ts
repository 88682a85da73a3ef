import { expect, test } from 'vitest'
import { aDecision as decision } from '../../testing/records'
import { standOf } from './stand'

const completed = (status: 'approved' | 'denied' | 'canceled') => ({ tool: 'Bash', arguments: {}, status })

test('nothing is shown as decided before the hub or the agent says so', () => {
  expect(standOf()).toEqual({ kind: 'open' })
  expect(standOf({ approved: true, phase: 'sending' })).toEqual({ kind: 'under-way', text: 'Sending…' })
  expect(standOf({ approved: false, phase: 'sent' }).kind).toBe('under-way')
})

const PHONE = 'Chrome on Android, 10.0.0.7'

test('the winner of a lost race is named', () => {
  const own = { approved: false, phase: 'sent', winner: decision({ state: 'delivered' }) } as const
  expect(standOf(own)).toEqual({
    kind: 'under-way',
    text: `Someone was faster: Approved (${PHONE}). Waiting for the agent to go on.`,
  })
  const end = { kind: 'closed', text: `Approved (${PHONE}). Another answer came first.` }
  expect(standOf(own, undefined, completed('approved'))).toEqual(end)
  expect(standOf(own, decision({ state: 'confirmed' }))).toEqual(end)
})

test('a decision without contact says what it waits for', () => {
  const text = expect.stringMatching(/The hub keeps it until the agent is back/)
  expect(standOf(undefined, decision({}))).toMatchObject({ text })
  expect(standOf({ approved: true, phase: 'sent', delivery: 'pending' })).toMatchObject({ text })
})

test('a released decision can be made again, a dropped one cannot', () => {
  expect(standOf({ approved: true, phase: 'sent' }, decision({ state: 'released' })).kind).toBe('open')
  expect(standOf(undefined, decision({ state: 'dropped' })).kind).toBe('closed')
})

test('a failed answer leaves the request open with its cause', () => {
  expect(standOf({ approved: true, phase: 'failed', error: 'Not sent.' })).toEqual({ kind: 'open', note: 'Not sent.' })
})

test('the end is told from the agent', () => {
  expect(standOf(undefined, undefined, completed('canceled'))).toMatchObject({ text: 'Cancelled by the agent.' })
  expect(standOf(undefined, undefined, undefined, true)).toMatchObject({ kind: 'closed' })
})
