// A thousand CLI sockets at once: all connect, hear their own room and nothing else, and answer calls.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { agentText, ask, barrier, Cli, received, serve, updates } from './support/cli.mjs'
import { Hub } from './support/hub.mjs'
import { Web } from './support/web.mjs'

const SESSIONS = 250
const SOCKETS_EACH = 4
const WAVE = 100

/** Runs a task for each item, a wave at a time, so that the machine's backlog stays bounded. */
async function inWaves(items, task) {
    const results = []
    for (let from = 0; from < items.length; from += WAVE) {
        results.push(...await Promise.all(items.slice(from, from + WAVE).map(task)))
    }
    return results
}

describe('a thousand sockets', { timeout: 180_000 }, () => {
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

    it('are served together', async () => {
        const sessions = await inWaves(Array.from({ length: SESSIONS }), () => cli.createSession())
        const places = sessions.flatMap((session) => Array.from({ length: SOCKETS_EACH }, () => session))
        const sockets = await inWaves(places, ({ id }) => cli.connect({ auth: { clientType: 'session-scoped', sessionId: id } }))
        assert.equal(new Set(sockets.map(({ id }) => id)).size, SESSIONS * SOCKETS_EACH)
        const rooms = sessions.map((session, index) => sockets.slice(index * SOCKETS_EACH, (index + 1) * SOCKETS_EACH))

        await inWaves([...sessions.keys()], async (index) => {
            const { id } = sessions[index]
            const [speaker, ...listeners] = rooms[index]
            speaker.emit('session-alive', { sid: id, time: Date.now(), thinking: false })
            speaker.emit('message', { sid: id, message: agentText(`room ${index}`) })
            serve(speaker, id, { 'git-status': () => ({ success: true, stdout: `room ${index}` }) })
            const [{ result }] = await ask(speaker, 'update-state', { sid: id, expectedVersion: 1, agentState: { index } })
            assert.equal(result, 'success')
            await Promise.all(listeners.map((socket) => received(socket, 'update', ({ body }) => body.t === 'update-session')))
        })
        await inWaves(sockets, barrier)
        for (const [index, [speaker, ...listeners]] of rooms.entries()) {
            assert.deepEqual(speaker.received, [])
            for (const socket of listeners) {
                assert.deepEqual(updates(socket, 'new-message').map(({ body }) => body.message.content.content.data.message), [`room ${index}`])
                assert.deepEqual(updates(socket, 'update-session').map(({ body }) => body.agentState.value), [{ index }])
                assert.equal(socket.received.length, 2)
            }
        }

        const answers = await inWaves(sessions, ({ id }) => web.get(`/api/sessions/${id}/git-status`))
        assert.deepEqual(answers.map(({ stdout }) => stdout), sessions.map((_, index) => `room ${index}`))
        const { sessions: listed } = await web.get('/api/sessions')
        assert.equal(listed.filter(({ active }) => active).length, SESSIONS)
    })
})
