// A socket too many: the released client comes back by itself, by either transport, and loses nothing that it kept.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { agentText, barrier, Cli } from './support/cli.mjs'
import { freePort, Hub, isWheelhouse, temporaryFolder } from './support/hub.mjs'
import { until, within } from './support/until.mjs'
import { Web } from './support/web.mjs'

const COMES_BACK = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 }

describe('limits', { timeout: 120_000, skip: !isWheelhouse }, () => {
    let hub, web, cli

    before(async () => {
        hub = new Hub(temporaryFolder('limits'), await freePort())
        fs.writeFileSync(path.join(hub.home, 'wheelhouse.toml'), '[limits]\nlinks_per_token = 1\n')
        await hub.start()
        web = await Web.signIn(hub)
        cli = new Cli(hub)
    })

    after(async () => {
        cli?.close()
        web?.close()
        await hub?.close()
    })

    /** Connects a second socket, which has to wait until the first has gone. */
    async function waits(options, say = () => {}) {
        const first = await cli.connect(options)
        const second = cli.socket({ ...options, ...COMES_BACK })
        const refusals = []
        second.on('connect_error', (error) => refusals.push(error))
        say(second)
        let lost = 0
        second.io.on('close', () => { lost += 1 })
        await until('three tries in vain', async () => lost >= 3)
        assert.equal(second.connected, false)
        // What comes as a refusal by the protocol has data; a client would not come back after it.
        assert.deepEqual(refusals.filter((error) => 'data' in error), [])
        assert.ok(second.active)
        first.disconnect()
        await within('the place of the first', new Promise((resolve) => second.once('connect', resolve)))
        return second
    }

    it('a session waits for its place, and what it said meanwhile arrives', async () => {
        const { id } = await cli.createSession()
        const options = { auth: { clientType: 'session-scoped', sessionId: id } }
        const socket = await waits(options, (waiting) => waiting.emit('message', { sid: id, message: agentText('kept') }))
        await barrier(socket)
        const rows = await web.rows(id)
        assert.deepEqual(rows.map((row) => row.content.content.data.message), ['kept'])
        socket.disconnect()
    })

    for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
        it(`a terminal waits for its place by ${transports.join(' and ')}`, async () => {
            const socket = await waits({ namespace: '/terminal', token: web.token, transports })
            socket.disconnect()
            await until('the place to be free', async () => (await web.get('/api/limits')).token.links.used === 0)
        })
    }
})
