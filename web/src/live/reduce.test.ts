import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aDecision, aMessage, aSession, aSummary } from '../testing/records'
import type { HubEvent } from './events'
import { decisionKey, type Held, reduce } from './reduce'
import { toSummary } from './session'

const ID = 's1'

function play(held: Held, events: HubEvent[]): Held {
  return events.reduce((now, event) => reduce(now, event).held, held)
}

function patched(data: object): HubEvent {
  return { type: 'session-updated', sessionId: ID, data }
}

const versionedPatch = fc.record({
  part: fc.constantFrom('metadata', 'agentState', 'todos'),
  version: fc.integer({ min: 1, max: 30 }),
})

/** A write is fixed by its part and version, as on the hub. */
function eventOf({ part, version }: { part: string; version: number }): HubEvent {
  const values: Record<string, unknown> = {
    metadata: { path: '/p', host: 'h', name: `name ${version}` },
    agentState: { requests: { [`r${version}`]: { tool: 'Bash', arguments: {}, createdAt: version } } },
    todos: Array.from({ length: version }, (_, index) => ({ content: `todo ${index}`, status: 'pending' })),
  }
  return patched({ [part]: { version, value: values[part] }, updatedAt: version })
}

describe('versioned patches', () => {
  test('any order and any repetition ends at the newest version, in the page and in the list', () => {
    fc.assert(
      fc.property(fc.array(versionedPatch, { maxLength: 40 }), (writes) => {
        const session = aSession({ id: ID, metadataVersion: 0, agentStateVersion: 0, todosUpdatedAt: 0 })
        const held = play({ session, sessions: [toSummary(session)] }, writes.map(eventOf))
        const newest = (part: string) =>
          Math.max(0, ...writes.filter((write) => write.part === part).map((w) => w.version))
        const [metadata, state, todos] = [newest('metadata'), newest('agentState'), newest('todos')]
        expect(held.session?.metadataVersion).toBe(metadata)
        if (metadata > 0) expect(held.session?.metadata?.name).toBe(`name ${metadata}`)
        if (metadata > 0) expect(held.sessions?.[0]?.metadata?.name).toBe(`name ${metadata}`)
        if (state > 0) expect(Object.keys(held.session?.agentState?.requests ?? {})).toEqual([`r${state}`])
        if (state > 0) expect(held.sessions?.[0]?.pendingRequests.map((request) => request.id)).toEqual([`r${state}`])
        expect(held.session?.todos?.length ?? 0).toBe(todos)
        expect(held.sessions?.[0]?.todoProgress?.total ?? 0).toBe(todos)
      }),
    )
  })

  test('a version never goes back, also when a whole session brings older parts', () => {
    const step = fc.oneof(
      versionedPatch.map(eventOf),
      fc.integer({ min: 1, max: 30 }).map((version): HubEvent => {
        const data = aSession({ id: ID, metadataVersion: version, agentStateVersion: version, todosUpdatedAt: version })
        return { type: 'session-updated', sessionId: ID, data }
      }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (events) => {
        let held: Held = { session: aSession({ id: ID }) }
        for (const event of events) {
          const before = held.session
          held = reduce(held, event).held
          expect(held.session?.metadataVersion).toBeGreaterThanOrEqual(before?.metadataVersion ?? 0)
          expect(held.session?.agentStateVersion).toBeGreaterThanOrEqual(before?.agentStateVersion ?? 0)
        }
      }),
    )
  })

  test('the time of the last activity only grows', () => {
    const held = play({ session: aSession({ id: ID, updatedAt: 50 }) }, [patched({ updatedAt: 40 })])
    expect(held.session?.updatedAt).toBe(50)
  })

  test.each([[{ surprise: 1 }], [{}], [undefined]])('a patch that is not understood is read again: %j', (data) => {
    const held = { session: aSession({ id: ID }) }
    const reduced = reduce(held, { type: 'session-updated', sessionId: ID, data: data as object })
    expect(reduced).toEqual({ held, reread: ['sessions', 'session'] })
  })

  test('a patch of a session that the list lacks reads the list again', () => {
    expect(reduce({ sessions: [] }, patched({ active: true })).reread).toEqual(['sessions'])
  })
})

describe('sessions', () => {
  test('a new session joins the list and a removed one leaves everything', () => {
    const added = reduce({ sessions: [] }, { type: 'session-added', sessionId: ID, data: aSession({ id: ID }) }).held
    expect(added.sessions?.map((row) => row.id)).toEqual([ID])
    const removed = reduce({ ...added, session: aSession({ id: ID }) }, { type: 'session-removed', sessionId: ID }).held
    expect(removed).toEqual({ sessions: [] })
  })

  test('lost contact is kept until the hub tells otherwise', () => {
    const contact = { state: 'lost', since: 7 } as const
    const before: Held = { sessions: [aSummary({ id: ID })], session: aSession({ id: ID }) }
    const held = play(before, [{ type: 'session-contact', sessionId: ID, contact }, patched({ thinking: false })])
    expect(held.contacts).toEqual({ [ID]: contact })
  })

  test('a decision belongs to a request and the time it was asked', () => {
    const decision = aDecision({ requestId: 'r', requestCreatedAt: 2 })
    const event: HubEvent = { type: 'decision-updated', sessionId: ID, decision }
    const { decisions } = reduce({ decisions: {} }, event).held
    expect(decisions?.[decisionKey('r', 2)]).toEqual(decision)
    expect(decisions?.[decisionKey('r', 9)]).toBeUndefined()
  })

  test('decisions that were not read are not begun by an event, so that they are read in full', () => {
    const event: HubEvent = { type: 'decision-updated', sessionId: ID, decision: aDecision() }
    expect(reduce({}, event).held.decisions).toBeUndefined()
  })

  test('the row of a whole session keeps what only the list knows', () => {
    const session = aSession({ hasConversationContent: false, backgroundTaskCount: 2 })
    expect(toSummary(session)).toMatchObject({
      hasConversationContent: false,
      backgroundTaskCount: 2,
      futureScheduledMessageCount: 0,
      nextScheduledAt: null,
    })
    const known = aSummary({ futureScheduledMessageCount: 3, nextScheduledAt: 9 })
    expect(toSummary(session, known)).toMatchObject({ futureScheduledMessageCount: 3, nextScheduledAt: 9 })
  })
})

describe('messages', () => {
  const queued = aMessage({ id: 'm1', localId: 'l1', createdAt: 10, invokedAt: null })
  const before: Held = {
    transcript: { messages: [queued, aMessage({ id: 'm2', createdAt: 20 })], epoch: 0, older: null },
  }
  const ids = (held: Held) => held.transcript?.messages.map((message) => message.id)

  test('a taken prompt moves to the place where it was taken', () => {
    const event: HubEvent = { type: 'messages-consumed', sessionId: ID, localIds: ['l1'], invokedAt: 30 }
    expect(ids(reduce(before, event).held)).toEqual(['m2', 'm1'])
  })

  test('a repeated acknowledgement does not move it again', () => {
    const taken = (invokedAt: number): HubEvent => ({
      type: 'messages-consumed',
      sessionId: ID,
      localIds: ['l1'],
      invokedAt,
    })
    const held = play(before, [taken(15), taken(99)])
    expect(held.transcript?.messages[0]?.invokedAt).toBe(15)
  })

  test('an uncertain prompt becomes a queued one again', () => {
    const uncertain = reduce(before, { type: 'messages-indeterminate', sessionId: ID, localIds: ['l1'] }).held
    expect(uncertain.transcript?.messages[0]?.deliveryState).toBe('indeterminate')
    const again = reduce(uncertain, { type: 'messages-requeued', sessionId: ID, localIds: ['l1'] }).held
    expect(again.transcript?.messages[0]).not.toHaveProperty('deliveryState')
  })

  test.each(['m1', 'l1'])('a cancelled prompt is found by row id or local id: %s', (messageId) => {
    expect(ids(reduce(before, { type: 'message-cancelled', sessionId: ID, messageId }).held)).toEqual(['m2'])
  })

  test('the same message twice is one message', () => {
    const event: HubEvent = { type: 'message-received', sessionId: ID, message: aMessage({ id: 'm3', createdAt: 40 }) }
    expect(ids(play(before, [event, event]))).toEqual(['m1', 'm2', 'm3'])
  })

  test('a changed history is read again', () => {
    expect(reduce(before, { type: 'messages-invalidated', sessionId: ID }).reread).toEqual(['transcript'])
  })
})
