// The hub behind a reverse proxy that reuses its connections: REST, long polling and websockets over the same few.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ask, barrier, Cli, serve } from './support/cli.mjs'
import { Hub } from './support/hub.mjs'
import { startProxy } from './support/proxy.mjs'
import { within } from './support/until.mjs'
import { Web } from './support/web.mjs'

describe('behind a proxy', { timeout: 60_000 }, () => {
    let hub, proxy, web, cli

    before(async () => {
        hub = await Hub.start()
        proxy = await startProxy(hub)
        web = await Web.signIn(proxy)
        cli = new Cli(proxy)
    })

    after(async () => {
        cli?.close()
        web?.close()
        await proxy?.close()
        await hub?.close()
    })

    it('serves REST and long polling over the same connections', async () => {
        const session = await cli.createSession()
        const socket = await cli.connect({ transports: ['polling'], auth: { clientType: 'session-scoped', sessionId: session.id } })
        for (let version = 1; version <= 20; version++) {
            const [[answer]] = await Promise.all([
                ask(socket, 'update-state', { sid: session.id, expectedVersion: version, agentState: { step: version } }),
                web.get(`/api/sessions/${session.id}`)
            ])
            assert.deepEqual([answer.result, answer.version], ['success', version + 1])
        }
        assert.ok(proxy.connections() <= 8, `${proxy.connections()} connections`)
    })

    it('lets a client go over from polling to a websocket', async () => {
        const session = await cli.createSession()
        const socket = await cli.connect({ transports: ['polling', 'websocket'], auth: { clientType: 'session-scoped', sessionId: session.id } })
        await within('upgrade', new Promise((resolve) => {
            if (socket.io.engine.transport.name === 'websocket') resolve()
            else socket.io.engine.once('upgrade', resolve)
        }))
        serve(socket, session.id, { 'git-status': () => ({ success: true, stdout: 'clean' }) })
        socket.emit('session-alive', { sid: session.id, time: Date.now(), thinking: false })
        await barrier(socket)
        assert.deepEqual(await web.get(`/api/sessions/${session.id}/git-status`), { success: true, stdout: 'clean' })
    })
})
