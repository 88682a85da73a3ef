// The hub dies without warning while an agent works, and comes back on the same home and port.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { isWheelhouse } from './support/hub.mjs'
import { Scene } from './support/scene.mjs'
import { until } from './support/until.mjs'

const isMessage = ({ type }) => type === 'message-received'
const isReady = (data) => isMessage(data) && data.message.content?.content?.data?.type === 'ready'
const holds = (row, text) => row.content?.role === 'agent' && JSON.stringify(row.content).includes(text)

describe('a killed hub', { timeout: 240_000 }, () => {
    let scene, web, id, stream

    before(async () => {
        scene = await Scene.open()
        web = scene.web
    })

    after(async () => scene?.close())

    async function begin(permissionMode) {
        stream = await web.events()
        id = await scene.spawn({ permissionMode })
        await scene.turn(id, '[[say settled]]', 'settled')
        await stream.waitFor('ready', isReady)
    }

    afterEach(async () => {
        scene.model.release()
        await web.post(`/api/sessions/${id}/archive`, {})
    })

    /** Kills the hub, notes what was told until then, starts it again and resumes the stream. */
    async function killAndRestart() {
        await scene.hub.kill()
        await until('end of the stream', () => stream.closed)
        const told = stream.numbered
        const cursor = stream.lastEventId
        await scene.hub.start()
        const resumed = await web.events({ all: 'true' }, { lastEventId: cursor })
        assert.equal(resumed.handshake.data.resume, isWheelhouse ? 'ok' : 'gap')
        return { told, resumed }
    }

    const inContact = () => until('methods of the session', async () => (await web.get(`/api/sessions/${id}/git-status`)).success, { deadline: 30_000 })

    /** Every row that was told or read before the kill is there exactly once, with the same content. */
    async function checkRows(seen) {
        const rows = await web.rows(id)
        const byId = new Map(rows.map((row) => [row.id, row]))
        assert.equal(byId.size, rows.length)
        for (const row of seen) assert.deepEqual(byId.get(row.id)?.content, row.content, `row ${row.id}`)
        const uuids = rows.map(({ content }) => content?.content?.data?.uuid).filter(Boolean)
        assert.equal(new Set(uuids).size, uuids.length, 'an agent row is stored twice')
        const localIds = rows.map(({ localId }) => localId).filter(Boolean)
        assert.equal(new Set(localIds).size, localIds.length, 'a prompt is stored twice')
        return rows
    }

    /** What both streams told about this session, in order: no message twice, and with our hub none left out. */
    async function checkEvents(told, resumed, rows) {
        const messages = [...told, ...resumed.numbered].filter(({ data }) => isMessage(data) && data.sessionId === id).map(({ data }) => data.message.id)
        assert.equal(new Set(messages).size, messages.length, 'a message was told twice')
        if (!isWheelhouse) return
        assert.deepEqual(rows.map((row) => row.id).filter((rowId) => !messages.includes(rowId)), [], 'a stored row was never told')
        const numbers = [...told, ...resumed.numbered].map((frame) => Number(frame.id.split(':')[1]))
        assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b))
        assert.equal(new Set(numbers).size, numbers.length)
    }

    it('loses nothing it has told while rows are streaming', async () => {
        await begin('bypassPermissions')
        const text = '[[count 40]]'
        const localId = await web.prompt(id, text)
        await stream.waitFor('tenth step', (data) => isMessage(data) && holds(data.message, 'step 10 of 40'))
        const { told, resumed } = await killAndRestart()
        const seen = told.filter(({ data }) => isMessage(data) && data.sessionId === id).map(({ data }) => data.message)
        assert.ok(seen.length >= 10)
        await scene.row(id, 'counted to 40', { deadline: 60_000 })
        await inContact()
        const rows = await checkRows(seen)
        assert.equal(typeof rows.find((row) => row.localId === localId).invokedAt, 'number')
        assert.equal(scene.model.turns(text).length, 1)
        await resumed.waitFor('the last row', (data) => isMessage(data) && holds(data.message, 'counted to 40'))
        await checkEvents(told, resumed, rows)
    })

    it('finishes a turn it was killed in, and runs each queued prompt once', async () => {
        await begin('default')
        const running = await web.prompt(id, '[[hold long]]')
        await until('running turn', () => scene.model.holding === 1)
        const queued = [await web.prompt(id, '[[say second in line]]'), await web.prompt(id, '[[say third in line]]')]
        await until('queued prompts', async () => (await web.post(`/api/sessions/${id}/messages/queued-state`, { localIds: queued })).queuedLocalIds.length === 2)
        const seen = await web.rows(id)
        const { told, resumed } = await killAndRestart()
        await scene.active(id)
        await inContact()
        assert.equal(scene.model.holding, 1)
        const later = await web.prompt(id, '[[say after the restart]]')
        scene.model.release()
        await scene.row(id, 'long done')
        await scene.row(id, 'after the restart')
        const isDone = async () => (await web.post(`/api/sessions/${id}/messages/queued-state`, { localIds: [running, ...queued, later] })).invokedLocalMessages.length === 4
        await until('consumption of all prompts', isDone)
        const rows = await checkRows(seen)
        assert.deepEqual(rows.filter(({ localId }) => localId).map(({ localId }) => localId).slice(-4), [running, ...queued, later])
        // The CLI may hand waiting prompts to the agent as one; each reaches it once all the same.
        const [last, ...others] = scene.model.turns('after the restart')
        assert.deepEqual(others, [])
        const history = JSON.stringify(last.messages)
        for (const text of ['[[hold long]]', '[[say second in line]]', '[[say third in line]]', '[[say after the restart]]']) {
            assert.equal(history.split(text).length - 1, 1, `${text} in the agent's history`)
        }
        await resumed.waitFor('the last answer', (data) => isMessage(data) && holds(data.message, 'after the restart'))
        await checkEvents(told, resumed, rows)
    })

    it('relays a decision that is taken after the restart', async () => {
        await begin('default')
        await web.prompt(id, '[[bash touch decided.txt]]')
        const request = await web.request(id, 'Bash')
        const { resumed } = await killAndRestart()
        await scene.active(id)
        await inContact()
        const again = await web.request(id, 'Bash')
        assert.deepEqual(again, request)
        assert.equal((await web.post(`/api/sessions/${id}/permissions/${request.id}/approve`, {})).ok, true)
        await scene.row(id, 'tool said:')
        const { agentState } = await web.session(id)
        assert.equal(agentState.completedRequests[request.id].status, 'approved')
        await resumed.waitFor('closed request', ({ type, data }) => type === 'session-updated' && data.agentState?.value?.completedRequests?.[request.id]?.status === 'approved')
    })
    it('runs each scheduled prompt once, whenever it came due', async () => {
        await begin('default')
        await scene.idle(id)
        const begun = Date.now()
        const missed = await web.prompt(id, '[[say due while the hub was gone]]', { scheduledAt: begun + 500 })
        const later = await web.prompt(id, '[[say due after the restart]]', { scheduledAt: begun + 6_000 })
        const mark = stream.frames.length
        await scene.hub.kill()
        await until('end of the stream', () => stream.closed)
        assert.ok(!stream.frames.slice(mark).some(({ data }) => data.type === 'scheduled-matured'))
        await until('time of the first prompt', () => Date.now() > begun + 500)
        const cursor = stream.lastEventId
        await scene.hub.start()
        const resumed = await web.events({ all: 'true' }, { lastEventId: cursor })
        for (const text of ['due while the hub was gone', 'due after the restart']) await scene.row(id, text, { deadline: 60_000 })
        const rows = await web.rows(id)
        for (const [localId, scheduledAt] of [[missed, begun + 500], [later, begun + 6_000]]) {
            const [row, ...others] = rows.filter((entry) => entry.localId === localId)
            assert.deepEqual(others, [])
            assert.equal(row.scheduledAt, scheduledAt)
            assert.ok(row.invokedAt >= scheduledAt, 'it ran before its time')
        }
        await resumed.waitFor('maturing', ({ type, sessionId }) => type === 'scheduled-matured' && sessionId === id)
        // The sweep that hands this one out comes after one that could hand the others out again.
        await web.prompt(id, '[[say due last]]', { scheduledAt: Date.now() + 5_100 })
        await scene.row(id, 'due last')
        const history = JSON.stringify(scene.model.turns('due last')[0].messages)
        for (const text of ['[[say due while the hub was gone]]', '[[say due after the restart]]', '[[say due last]]']) {
            assert.equal(scene.model.turns(text).length, 1, text)
            assert.equal(history.split(text).length - 1, 1, `${text} in the agent's history`)
        }
    })
})
