// Prompts on their way from a web client to a CLI: delivery, replay, consumption, cancellation, and the end of a session.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { barrier, Cli, received, updates } from './support/cli.mjs'
import { Hub, isWheelhouse } from './support/hub.mjs'
import { until } from './support/until.mjs'
import { Web } from './support/web.mjs'

describe('prompts', { timeout: 120_000 }, () => {
    let hub, web, cli

    before(async () => {
        hub = await Hub.start()
        web = await Web.signIn(hub)
        cli = new Cli(hub)
    })

    after(async () => {
        cli?.close()
        web?.close()
        await hub?.close()
    })

    const attach = async (session) => cli.attach(session.id)

    it('deliver to the room, replay until consumed, and end consumed once', async () => {
        const session = await cli.createSession()
        const stream = await web.events({ sessionId: session.id })
        const socket = await attach(session)
        const localId = await web.prompt(session.id, 'do it')
        const { id, seq, body } = await received(socket, 'update')
        assert.equal(body.t, 'new-message')
        assert.equal(id, body.message.id)
        assert.equal(seq, body.message.seq)
        assert.deepEqual(body.message.content, { role: 'user', content: { type: 'text', text: 'do it' }, meta: { sentFrom: 'webapp', deliveryMode: 'queue' } })
        assert.equal(body.message.localId, localId)

        const late = await attach(session)
        assert.equal((await received(late, 'update')).body.message.id, id)
        socket.emit('messages-consumed', { sid: session.id, localIds: [localId] })
        await barrier(socket)
        await stream.waitFor('consumption', ({ type, localIds }) => type === 'messages-consumed' && localIds.includes(localId))
        const before = updates(late, 'new-message').length
        late.emit('session-alive', { sid: session.id, time: Date.now() })
        await barrier(late)
        assert.equal(updates(late, 'new-message').length, before)
        const [row] = await web.rows(session.id)
        assert.equal(typeof row.invokedAt, 'number')
        const state = await web.post(`/api/sessions/${session.id}/messages/queued-state`, { localIds: [localId] })
        assert.deepEqual(state.invokedLocalMessages, [{ localId, invokedAt: row.invokedAt }])
    })

    it('are cancelled by what the CLI answers', async () => {
        for (const [answer, status] of [[{ removed: true }, 'cancelled'], [{ consumed: true }, 'invoked'], [{ inFlight: true }, 'busy']]) {
            const session = await cli.createSession()
            const socket = await attach(session)
            const localId = await web.prompt(session.id, 'maybe')
            socket.on('update', ({ body }, reply) => {
                if (body.t === 'cancel-queued-message') reply({ removed: false, inFlight: false, indeterminate: false, consumed: false, ...answer })
            })
            const result = await web.delete(`/api/sessions/${session.id}/messages/${localId}`)
            assert.equal(result.status, status)
            assert.equal((await web.rows(session.id)).length, status === 'cancelled' ? 0 : 1)
        }
    })

    it('keep one row for one local id', async () => {
        const session = await cli.createSession()
        await attach(session)
        const localId = await web.prompt(session.id, 'first text')
        // The released hub silently keeps the first text; ours says so.
        const again = await web.call('POST', `/api/sessions/${session.id}/messages`, { text: 'second text', localId })
        assert.equal(again.status, isWheelhouse ? 409 : 200)
        assert.equal((await web.call('POST', `/api/sessions/${session.id}/messages`, { text: 'first text', localId })).status, 200)
        const rows = await web.rows(session.id)
        assert.deepEqual(rows.map(({ content }) => content.content.text), ['first text'])
    })

    it('refuse a session that nobody serves', async () => {
        const session = await cli.createSession()
        const answer = await web.call('POST', `/api/sessions/${session.id}/messages`, { text: 'hello' })
        assert.equal(answer.status, 409)
        assert.equal(answer.body.code, 'session_inactive')
    })

    it('ends a session when its process says so', async () => {
        const session = await cli.createSession()
        const stream = await web.events({ sessionId: session.id })
        const socket = await cli.attach(session.id)
        assert.equal((await web.session(session.id)).active, true)
        socket.emit('session-end', { sid: session.id, time: Date.now(), reason: 'completed' })
        const { data } = await stream.waitFor('end', ({ type }) => type === 'session-ended')
        assert.equal(data.reason, 'completed')
        await until('inactive session', async () => !(await web.session(session.id)).active)
    })
})
