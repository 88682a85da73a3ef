// The Socket.IO surface as the released socket.io-client sees it: refusals, acknowledgements, rooms, order.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import http from 'node:http'
import { after, before, describe, it } from 'node:test'
import { agentText, ask, barrier, Cli, received } from './support/cli.mjs'
import { Hub, isWheelhouse } from './support/hub.mjs'
import { within } from './support/until.mjs'
import { Web } from './support/web.mjs'

describe('socket', { timeout: 120_000 }, () => {
    let hub, web, cli, other

    before(async () => {
        hub = await Hub.start()
        web = await Web.signIn(hub)
        cli = new Cli(hub)
        other = new Cli(hub, 'team-b')
    })

    after(async () => {
        cli?.close()
        other?.close()
        web?.close()
        await hub?.close()
    })

    describe('connect', () => {
        it('refuses wrong tokens on /cli', async () => {
            for (const token of ['wrong', null, 7, `${hub.token}:`, `:${hub.token}`, `${hub.token}: team`, `${hub.token}:a:b`, { token: hub.token }]) {
                assert.equal(await cli.refusal({ token }), 'Invalid token', String(token))
            }
        })

        it('refuses wrong tokens on /terminal', async () => {
            assert.equal(await cli.refusal({ namespace: '/terminal', token: null }), 'Missing token')
            assert.equal(await cli.refusal({ namespace: '/terminal', token: 'wrong' }), 'Invalid token')
            assert.equal(await cli.refusal({ namespace: '/terminal' }), 'Invalid token')
            await cli.connect({ namespace: '/terminal', token: web.token })
        })

        it('refuses unknown namespaces, by polling too', async () => {
            assert.equal(await cli.refusal({ namespace: '/nowhere' }), 'Invalid namespace')
            assert.equal(await cli.refusal({ namespace: '/nowhere', transports: ['polling'] }), 'Invalid namespace')
            assert.equal(await cli.refusal({ token: 'wrong', transports: ['polling'] }), 'Invalid token')
        })

        it('starts on polling and moves to websocket', async () => {
            const socket = await cli.connect({ transports: ['polling', 'websocket'] })
            const { engine } = socket.io
            if (engine.transport.name !== 'websocket') await within('upgrade', new Promise((resolve) => engine.once('upgrade', resolve)))
            assert.equal(engine.transport.name, 'websocket')
            await barrier(socket)
        })

        it('stays on polling when asked', async () => {
            const socket = await cli.connect({ transports: ['polling'] })
            for (let round = 0; round < 5; round++) await barrier(socket)
            assert.equal(socket.io.engine.transport.name, 'polling')
        })

        it('serves namespaces of one connection side by side', async () => {
            const first = await cli.connect({ namespace: '/terminal', token: web.token, forceNew: true })
            const second = first.io.socket('/cli', { auth: { token: hub.token } })
            await within('second namespace', new Promise((resolve, reject) => second.once('connect', resolve).once('connect_error', reject)))
            // Our engine uses one id for both; no client compares them.
            if (!isWheelhouse) assert.notEqual(first.id, second.id)
            await barrier(second)
        })

        it('answers bad engine requests with their codes', async () => {
            const get = (query, { method = 'GET', headers = {} } = {}) => new Promise((resolve, reject) => {
                http.request(`${hub.url}/socket.io/?${query}`, { method, headers, agent: false }, async (response) => {
                    const text = Buffer.concat(await response.toArray()).toString()
                    resolve({ status: response.statusCode, body: text.startsWith('{') ? JSON.parse(text) : text })
                }).on('error', reject).end()
            })
            assert.deepEqual(await get('EIO=4&transport=pigeon'), { status: 400, body: { code: 0, message: 'Transport unknown' } })
            assert.deepEqual(await get('EIO=4&transport=polling&sid=unknown'), { status: 400, body: { code: 1, message: 'Session ID unknown' } })
            assert.deepEqual(await get('EIO=4&transport=polling', { method: 'POST' }), { status: 400, body: { code: 2, message: 'Bad handshake method' } })
            assert.deepEqual(await get('EIO=3&transport=polling'), { status: 400, body: { code: 5, message: 'Unsupported protocol version' } })
            assert.deepEqual(await get('EIO=4&transport=polling', { headers: { origin: 'http://elsewhere.test' } }), { status: 403, body: { code: 4, message: 'Origin not allowed' } })
            const open = await get('EIO=4&transport=polling')
            const { sid, ...rest } = JSON.parse(open.body.slice(1))
            assert.equal(typeof sid, 'string')
            assert.deepEqual(rest, { upgrades: ['websocket'], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 50_331_648 })
            // `localhost` is the default public origin; the page itself may also be opened by address.
            assert.equal((await get('EIO=4&transport=polling', { headers: { origin: `http://localhost:${hub.port}` } })).status, 200)
            if (isWheelhouse) assert.equal((await get('EIO=4&transport=polling', { headers: { origin: hub.url } })).status, 200)
        })
    })

    describe('versioned updates', () => {
        it('applies the expected version and returns the present one otherwise', async () => {
            const { id: sid, metadata } = await cli.createSession()
            const socket = await cli.connect()
            const state = { controlledByUser: false, requests: {} }
            assert.deepEqual(await ask(socket, 'update-state', { sid, expectedVersion: 1, agentState: state }), [{ result: 'success', version: 2, agentState: state }])
            assert.deepEqual(await ask(socket, 'update-state', { sid, expectedVersion: 1, agentState: null }), [{ result: 'version-mismatch', version: 2, agentState: state }])
            const [written] = await ask(socket, 'update-metadata', { sid, expectedVersion: 1, metadata: { name: 'kept', unknownKey: [1] } })
            // Identity keys are carried forward, all others replaced, unknown ones kept.
            assert.deepEqual(written, {
                result: 'success', version: 2,
                metadata: { name: 'kept', unknownKey: [1], path: metadata.path, host: metadata.host, flavor: metadata.flavor }
            })
            assert.deepEqual(await ask(socket, 'update-metadata', { sid, expectedVersion: 9, metadata: {} }), [{ ...written, result: 'version-mismatch' }])
            assert.equal((await web.session(sid)).agentStateVersion, 2)
        })

        it('does the same for machines', async () => {
            const { id: machineId, metadata } = await cli.createMachine()
            const socket = await cli.connect()
            assert.deepEqual(await ask(socket, 'machine-update-state', { machineId, expectedVersion: 1, runnerState: { status: 'running' } }), [{ result: 'success', version: 2, runnerState: { status: 'running' } }])
            assert.deepEqual(await ask(socket, 'machine-update-state', { machineId, expectedVersion: 1, runnerState: null }), [{ result: 'version-mismatch', version: 2, runnerState: { status: 'running' } }])
            const renamed = { ...metadata, displayName: 'desk' }
            assert.deepEqual(await ask(socket, 'machine-update-metadata', { machineId, expectedVersion: 1, metadata: renamed }), [{ result: 'success', version: 2, metadata: renamed }])
        })

        it('lets exactly one of many writers win each version', async () => {
            const { id: sid } = await cli.createSession()
            const sockets = await Promise.all(Array.from({ length: 8 }, () => cli.connect()))
            const answers = await Promise.all(sockets.map((socket, writer) => ask(socket, 'update-state', { sid, expectedVersion: 1, agentState: { writer } })))
            const results = answers.map(([{ result }]) => result)
            assert.equal(results.filter((result) => result === 'success').length, 1)
            assert.equal(results.filter((result) => result === 'version-mismatch').length, 7)
            const winner = answers.findIndex(([{ result }]) => result === 'success')
            assert.ok(answers.every(([{ version, agentState }]) => version === 2 && agentState.writer === winner))
        })

        it('acknowledges what it cannot accept', async () => {
            const { id: sid } = await cli.createSession()
            const foreign = await other.createSession()
            const foreignMachine = await other.createMachine()
            const socket = await cli.connect()
            const bad = [
                ['update-state', { sid, agentState: {} }], ['update-state', { sid, expectedVersion: 1.5, agentState: {} }],
                ['update-state', { sid, expectedVersion: 1 }], ['update-state', { expectedVersion: 1, agentState: {} }],
                ['update-state', null], ['update-state', 'text'], ['update-metadata', { sid, expectedVersion: '1', metadata: {} }],
                ['machine-update-state', { expectedVersion: 1, runnerState: {} }], ['machine-update-metadata', { machineId: 'm', expectedVersion: 1 }]
            ]
            for (const [event, payload] of bad) {
                assert.deepEqual(await ask(socket, event, payload), [{ result: 'error' }], `${event} ${JSON.stringify(payload)}`)
            }
            assert.deepEqual(await ask(socket, 'update-state', { sid: 'none', expectedVersion: 1, agentState: {} }), [{ result: 'error', reason: 'not-found' }])
            assert.deepEqual(await ask(socket, 'update-metadata', { sid: foreign.id, expectedVersion: 1, metadata: {} }), [{ result: 'error', reason: 'access-denied' }])
            assert.deepEqual(await ask(socket, 'machine-update-state', { machineId: foreignMachine.id, expectedVersion: 1, runnerState: {} }), [{ result: 'error', reason: 'access-denied' }])
            assert.deepEqual(await ask(socket, 'messages-steer-state', { sid, localIds: [], state: 'queued' }), [{ ok: false }])
            assert.equal((await web.session(sid)).agentStateVersion, 1)
        })

        it('lives on when an acknowledged event wants no acknowledgement', { skip: !isWheelhouse && 'the released hub ends here' }, async () => {
            const { id: sid } = await cli.createSession()
            const socket = await cli.connect()
            socket.emit('update-state', { sid, expectedVersion: 1, agentState: { silent: true } })
            socket.emit('machine-update-state', { machineId: 'none', expectedVersion: 1, runnerState: {} })
            await barrier(socket)
            assert.equal((await web.session(sid)).agentStateVersion, 2)
        })
    })

    describe('error events', () => {
        it('tells what was not found and what is denied', async () => {
            const foreign = await other.createSession()
            const foreignMachine = await other.createMachine()
            const socket = await cli.connect()
            socket.emit('message', { sid: 'none', message: agentText('x') })
            assert.deepEqual(await received(socket, 'error', ({ id }) => id === 'none'), { message: 'session not found', code: 'not-found', scope: 'session', id: 'none' })
            socket.emit('session-alive', { sid: foreign.id, time: Date.now() })
            assert.deepEqual(await received(socket, 'error', ({ id }) => id === foreign.id), { message: 'session access denied', code: 'access-denied', scope: 'session', id: foreign.id })
            socket.emit('machine-alive', { machineId: 'no machine', time: Date.now() })
            assert.deepEqual(await received(socket, 'error', ({ id }) => id === 'no machine'), { message: 'machine not found', code: 'not-found', scope: 'machine', id: 'no machine' })
            socket.emit('machine-alive', { machineId: foreignMachine.id, time: Date.now() })
            assert.deepEqual(await received(socket, 'error', ({ id }) => id === foreignMachine.id), { message: 'machine access denied', code: 'access-denied', scope: 'machine', id: foreignMachine.id })
        })

        it('ignores malformed and unknown events', async () => {
            const { id: sid } = await cli.createSession()
            const socket = await cli.connect()
            for (const payload of [null, 'text', 7, [], {}, { sid }, { sid: 7, message: {} }]) socket.emit('message', payload)
            for (const payload of [null, { sid }, { sid, time: 'soon' }]) socket.emit('session-alive', payload)
            socket.emit('no-such-event', { sid })
            socket.emit('rpc-register', { method: '' })
            await barrier(socket)
            assert.deepEqual(socket.received, [])
            assert.deepEqual(await web.rows(sid), [])
            assert.equal((await web.session(sid)).active, false)
        })
    })

    describe('rooms', () => {
        it('sends an update to the room, without its sender and without others', async () => {
            const mine = await cli.createSession()
            const unrelated = await cli.createSession()
            const join = (client, sessionId) => client.connect({ auth: { clientType: 'session-scoped', sessionId } })
            const [sender, member, byPolling, outsider, foreigner] = await Promise.all([
                join(cli, mine.id), join(cli, mine.id),
                cli.connect({ auth: { sessionId: mine.id }, transports: ['polling'] }),
                join(cli, unrelated.id), join(other, mine.id)
            ])
            sender.emit('message', { sid: mine.id, message: agentText('to the room') })
            const [{ version }] = await ask(sender, 'update-state', { sid: mine.id, expectedVersion: 1, agentState: { room: true } })
            for (const socket of [member, byPolling]) {
                const message = await received(socket, 'update', ({ body }) => body.t === 'new-message')
                assert.equal(message.body.sid, mine.id)
                assert.equal(message.body.message.content.content.data.message, 'to the room')
                assert.equal(message.seq, message.body.message.seq)
                const state = await received(socket, 'update', ({ body }) => body.t === 'update-session')
                assert.deepEqual(state.body, { t: 'update-session', sid: mine.id, metadata: null, agentState: { version, value: { room: true } } })
            }
            for (const socket of [sender, outsider, foreigner]) {
                await barrier(socket)
                assert.deepEqual(socket.received, [])
            }
        })

        it('keeps machines in rooms of their own', async () => {
            const { id: machineId } = await cli.createMachine()
            const [sender, member, outsider] = await Promise.all([machineId, machineId, randomUUID()].map((id) => cli.connect({ auth: { clientType: 'machine-scoped', machineId: id } })))
            await ask(sender, 'machine-update-state', { machineId, expectedVersion: 1, runnerState: { status: 'running' } })
            const { body } = await received(member, 'update')
            assert.deepEqual(body, { t: 'update-machine', machineId, metadata: null, runnerState: { version: 2, value: { status: 'running' } } })
            for (const socket of [sender, outsider]) {
                await barrier(socket)
                assert.deepEqual(socket.received, [])
            }
        })
    })

    describe('order', () => {
        for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
            it(`stores a burst in order before the barrier answers, over ${transports.join(' then ')}`, async () => {
                const { id: sid } = await cli.createSession()
                const socket = await cli.connect({ transports })
                const texts = Array.from({ length: 300 }, (_, index) => `line ${index}`)
                for (const text of texts) socket.emit('message', { sid, message: agentText(text) })
                await barrier(socket)
                const rows = await web.rows(sid)
                assert.deepEqual(rows.map(({ content }) => content.content.data.message), texts)
                assert.deepEqual(rows.map(({ seq }) => seq), texts.map((_, index) => index + 1))
            })
        }
    })
})
