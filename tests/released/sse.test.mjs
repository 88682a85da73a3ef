// The event stream: handshake, filters, resume by number, compression, and walls between namespaces.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { agentText, barrier, Cli } from './support/cli.mjs'
import { Hub, isWheelhouse } from './support/hub.mjs'
import { Web } from './support/web.mjs'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe('event stream', { timeout: 120_000 }, () => {
    let hub, web, cli, first, second, machine, socket

    before(async () => {
        hub = await Hub.start()
        web = await Web.signIn(hub)
        cli = new Cli(hub)
        first = await cli.createSession()
        second = await cli.createSession()
        machine = await cli.createMachine()
        socket = await cli.connect()
    })

    after(async () => {
        cli?.close()
        web?.close()
        await hub?.close()
    })

    const say = (session, text, from = socket) => from.emit('message', { sid: session.id, message: agentText(text) })
    const isText = (text) => (data) => data.type === 'message-received' && data.message.content.content.data.message === text
    const textsOf = (stream) => stream.events.filter(({ data }) => data.type === 'message-received').map(({ data }) => data.message.content.content.data.message)

    it('opens with the handshake', async () => {
        const stream = await web.events()
        assert.equal(stream.response.headers['content-type'], 'text/event-stream')
        assert.match(stream.response.headers['cache-control'], /^no-cache/)
        const { type, data } = stream.frames[0].data
        assert.equal(type, 'connection-changed')
        assert.equal(data.status, 'connected')
        assert.equal(data.resume, 'gap')
        assert.match(data.subscriptionId, UUID)
    })

    it('writes the data line before the id line, and nothing else', async () => {
        const stream = await web.events()
        say(first, 'layout')
        const frame = await stream.waitFor('message', isText('layout'))
        assert.equal(frame.lines.length, 2)
        assert.match(frame.lines[0], /^data: \{.*\}$/)
        assert.match(frame.lines[1], /^id: [^:]+:\d+:[^:]+$/)
        assert.equal(frame.data.namespace, 'default')
    })

    it('gives each stream what its filter names', async () => {
        const all = await web.events({ all: '1' })
        const one = await web.events({ sessionId: first.id })
        const ofMachine = await web.events({ machineId: machine.id })
        const none = await web.events({})
        const both = await web.events({ sessionId: second.id, machineId: machine.id })
        say(second, 'for the second')
        say(first, 'for the first')
        socket.emit('machine-alive', { machineId: machine.id, time: Date.now() })
        const isMachine = ({ type, machineId }) => type === 'machine-updated' && machineId === machine.id
        await all.waitFor('machine event', isMachine)
        await both.waitFor('machine event', isMachine)
        await ofMachine.waitFor('machine event', isMachine)
        await one.waitFor('message', isText('for the first'))

        assert.deepEqual(textsOf(all), ['for the second', 'for the first'])
        assert.deepEqual(textsOf(one), ['for the first'])
        assert.deepEqual(textsOf(both), ['for the second'])
        assert.deepEqual(textsOf(ofMachine), [])
        assert.ok(one.events.every(({ data }) => data.sessionId === first.id))
        assert.deepEqual(none.events, [])
    })

    it('resumes with exactly the missed events', async () => {
        const watcher = await web.events()
        const stream = await web.events()
        say(first, 'before the cut')
        await stream.waitFor('message', isText('before the cut'))
        const cursor = stream.lastEventId
        stream.close()
        for (const text of ['missed 1', 'missed 2', 'missed 3']) say(first, text)
        await watcher.waitFor('message', isText('missed 3'))

        const resumed = await web.events({ all: 'true' }, { lastEventId: cursor })
        assert.equal(resumed.handshake.data.resume, 'ok')
        say(first, 'live again')
        await resumed.waitFor('message', isText('live again'))
        await watcher.waitFor('message', isText('live again'))
        const cut = watcher.numbered.findIndex(({ id }) => id === cursor)
        assert.notEqual(cut, -1)
        assert.deepEqual(
            resumed.numbered.map(({ id, data }) => [id, data.type]),
            watcher.numbered.slice(cut + 1).map(({ id, data }) => [id, data.type])
        )
        assert.deepEqual(textsOf(resumed), ['missed 1', 'missed 2', 'missed 3', 'live again'])
    })

    it('prefers the header to the query as cursor', async () => {
        const stream = await web.events()
        say(first, 'older')
        const older = await stream.waitFor('message', isText('older'))
        say(first, 'newer')
        const newer = await stream.waitFor('message', isText('newer'))
        const resumed = await web.events({ all: 'true', lastEventId: older.id }, { lastEventId: newer.id })
        say(first, 'newest')
        await resumed.waitFor('message', isText('newest'))
        assert.deepEqual(textsOf(resumed), ['newest'])
        const byQuery = await web.events({ all: 'true', lastEventId: newer.id })
        assert.equal(byQuery.handshake.data.resume, 'ok')
    })

    it('answers gap to a cursor it cannot honour', async () => {
        const stream = await web.events()
        say(first, 'cursor')
        const { id } = await stream.waitFor('message', isText('cursor'))
        const [epoch, seq, tag] = id.split(':')
        const bad = ['nonsense', `${epoch}:${seq}`, `00000000:${seq}:${tag}`, `${epoch}:${Number(seq) + 100_000}:${tag}`, `${epoch}:0:${tag}`, `${epoch}:x:${tag}`, `${epoch}:${seq}:00000000`]
        for (const lastEventId of bad) {
            const resumed = await web.events({ all: 'true' }, { lastEventId })
            assert.equal(resumed.handshake.data.resume, 'gap', lastEventId)
        }
    })

    it('compresses when asked, each frame readable at once', async () => {
        const plain = await web.events()
        const packed = await web.events({ all: 'true' }, { headers: { 'accept-encoding': 'gzip' } })
        const refused = await web.events({ all: 'true' }, { headers: { 'accept-encoding': 'gzip;q=0, *' } })
        assert.equal(plain.response.headers['content-encoding'], undefined)
        assert.equal(packed.response.headers['content-encoding'], 'gzip')
        assert.equal(refused.response.headers['content-encoding'], undefined)
        for (const text of ['packed 1', 'packed 2']) {
            say(first, text)
            const frame = await packed.waitFor('message', isText(text))
            assert.deepEqual((await plain.waitFor('message', isText(text))).lines, frame.lines)
        }
    })

    it('keeps namespaces apart', async () => {
        const otherWeb = await Web.signIn(hub, 'team-b')
        const otherCli = new Cli(hub, 'team-b')
        try {
            const mine = await web.events()
            const theirs = await otherWeb.events()
            const session = await otherCli.createSession()
            const theirSocket = await otherCli.connect()
            say(first, 'mine')
            await barrier(socket)
            say(session, 'theirs', theirSocket)
            await barrier(theirSocket)
            say(first, 'mine again')
            const cursor = (await mine.waitFor('message', isText('mine again'))).id
            await theirs.waitFor('message', isText('theirs'))
            assert.deepEqual(textsOf(mine), ['mine', 'mine again'])
            assert.deepEqual(textsOf(theirs), ['theirs'])
            assert.ok(mine.events.every(({ data }) => data.namespace === 'default'))
            assert.ok(theirs.events.every(({ data }) => data.namespace === 'team-b'))

            const borrowed = await otherWeb.events({ all: 'true' }, { lastEventId: cursor })
            assert.equal(borrowed.handshake.data.resume, 'gap')
            await assert.rejects(otherWeb.events({ sessionId: first.id }), { status: 403 })
            await assert.rejects(otherWeb.events({ machineId: machine.id }), { status: 403 })
        } finally {
            otherWeb.close()
            otherCli.close()
        }
    })

    it('refuses a stream without rights or object', async () => {
        await assert.rejects(web.events({ sessionId: 'none' }), { status: 404, body: '{"error":"Session not found"}' })
        await assert.rejects(web.events({ machineId: 'none' }), { status: 404, body: '{"error":"Machine not found"}' })
        const missing = await fetch(`${hub.url}/api/events?all=true`)
        assert.equal(missing.status, 401)
        assert.deepEqual(await missing.json(), { error: 'Missing authorization token' })
        const wrong = await fetch(`${hub.url}/api/events?all=true&token=wrong`)
        assert.equal(wrong.status, 401)
        assert.deepEqual(await wrong.json(), { error: 'Invalid token' })
    })

    it('takes the token from the query here, and only here', async () => {
        const stream = await web.events({ all: 'true', token: web.token }, { headers: { authorization: '' } })
        assert.equal(stream.handshake.type, 'connection-changed')
        const elsewhere = await fetch(`${hub.url}/api/sessions?token=${web.token}`)
        assert.equal(elsewhere.status, 401)
    })

    it('registers visibility by subscription', async () => {
        const stream = await web.events({ all: 'true', visibility: 'hidden' })
        const { subscriptionId } = stream.handshake.data
        assert.deepEqual(await web.post('/api/visibility', { subscriptionId, visibility: 'visible' }), { ok: true })
        const unknown = await web.call('POST', '/api/visibility', { subscriptionId: 'unknown', visibility: 'visible' })
        assert.equal(unknown.status, 404)
        const bad = await web.call('POST', '/api/visibility', { subscriptionId, visibility: 'sideways' })
        assert.equal(bad.status, 400)
    })

    it('treats a cursor from before a restart honestly', async () => {
        const stream = await web.events()
        say(first, 'before the restart')
        const cursor = (await stream.waitFor('message', isText('before the restart'))).id
        say(first, 'last words')
        const missed = await stream.waitFor('message', isText('last words'))
        web.close()
        cli.close()
        await hub.stop()
        await hub.start()
        const resumed = await web.events({ all: 'true' }, { lastEventId: cursor })
        socket = await cli.connect()
        say(first, 'after the restart')
        await resumed.waitFor('message', isText('after the restart'))
        if (isWheelhouse) {
            assert.equal(resumed.handshake.data.resume, 'ok')
            assert.deepEqual(textsOf(resumed), ['last words', 'after the restart'])
            assert.equal(resumed.events.find(({ data }) => isText('last words')(data)).id, missed.id)
        } else {
            assert.equal(resumed.handshake.data.resume, 'gap')
            assert.deepEqual(textsOf(resumed), ['after the restart'])
        }
    })
})
