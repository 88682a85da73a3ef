// The life of a session: names and pins, archive, resume, reopen, and delete, with a real runner.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Scene } from './support/scene.mjs'
import { until } from './support/until.mjs'

describe('life of a session', { timeout: 180_000 }, () => {
    let scene, web, id, stream

    before(async () => {
        scene = await Scene.open()
        web = scene.web
        stream = await web.events()
        id = await scene.spawn()
        await scene.turn(id, '[[say remember the bridge]]', 'remember the bridge')
    })

    after(async () => scene?.close())

    it('is renamed', async () => {
        const mark = stream.frames.length
        assert.deepEqual(await web.patch(`/api/sessions/${id}`, { name: 'Bridge work' }), { ok: true })
        const isRenamed = ({ type, data, sessionId }) => type === 'session-updated' && sessionId === id && data.metadata?.name === 'Bridge work'
        await stream.waitFor('rename', isRenamed, { from: mark })
        // The CLI did not hear of it; its next write must not take the name away.
        await scene.turn(id, '[[say written after]]', 'written after')
        assert.equal((await web.session(id)).metadata.name, 'Bridge work')
        const nameless = await web.call('PATCH', `/api/sessions/${id}`, { name: '' })
        assert.deepEqual([nameless.status, nameless.body], [400, { error: 'Invalid body: name is required' }])
    })

    it('is pinned', async () => {
        for (const [mode, pinned, globalPinned] of [['project', true, false], ['global', false, true]]) {
            assert.deepEqual(await web.put(`/api/sessions/${id}/pin`, { mode }), { ok: true })
            const session = await web.session(id)
            assert.deepEqual([session.pinned, session.globalPinned], [pinned, globalPinned])
        }
    })

    it('cannot be deleted while it runs', async () => {
        const answer = await web.call('DELETE', `/api/sessions/${id}`)
        assert.deepEqual([answer.status, answer.body], [409, { error: 'Cannot delete active session. Archive it first.' }])
    })

    it('is archived by its own process', async () => {
        const { hostPid } = (await web.session(id)).metadata
        const mark = stream.frames.length
        const { metadata } = await scene.archive(id)
        assert.equal(metadata.archivedBy, 'cli')
        await stream.waitFor('end', ({ type, sessionId }) => type === 'session-ended' && sessionId === id, { from: mark })
        await until('end of the process', () => !scene.host.processes().includes(hostPid))
        assert.deepEqual(await web.post(`/api/sessions/${id}/archive`, {}), { ok: true, alreadyArchived: true })
        const refused = await web.call('POST', `/api/sessions/${id}/messages`, { text: 'hello?' })
        assert.deepEqual([refused.status, refused.body.code], [409, 'session_inactive'])
    })

    it('is resumed with its history, wherever it comes back', async () => {
        const before = await web.rows(id)
        const mark = stream.frames.length
        const answer = await web.post(`/api/sessions/${id}/resume`, {})
        assert.equal(answer.type, 'success')
        if (answer.sessionId !== id) {
            await stream.waitFor('removal of the old session', ({ type, sessionId }) => type === 'session-removed' && sessionId === id, { from: mark })
            await stream.waitFor('notice of the merge', ({ type, sessionId }) => type === 'messages-invalidated' && sessionId === answer.sessionId, { from: mark })
            assert.equal((await web.call('GET', `/api/sessions/${id}`)).status, 404)
        }
        id = answer.sessionId
        const session = await web.session(id)
        assert.equal(session.active, true)
        assert.equal(session.metadata.name, 'Bridge work')
        assert.equal(session.globalPinned, true)
        const texts = (rows) => rows.map(({ content }) => JSON.stringify(content))
        assert.deepEqual(texts((await web.rows(id)).slice(0, before.length)), texts(before))
        await scene.turn(id, '[[say back again]]', 'back again')
        // Claude was started with its own history too.
        const [asked] = scene.model.turns('back again')
        assert.ok(JSON.stringify(asked.messages).includes('remember the bridge'))
    })

    it('is left alone when it already runs', async () => {
        assert.deepEqual(await web.post(`/api/sessions/${id}/resume`), { type: 'success', sessionId: id })
        assert.deepEqual(await web.post(`/api/sessions/${id}/reopen`, {}), { ok: true, sessionId: id, resumed: false })
    })

    it('is reopened after an archive', async () => {
        await scene.archive(id)
        const answer = await web.post(`/api/sessions/${id}/reopen`, {})
        assert.equal(answer.resumed, true)
        id = answer.sessionId
        const { active, metadata } = await web.session(id)
        assert.equal(active, true)
        assert.equal(metadata.lifecycleState, 'running')
        await scene.turn(id, '[[say third life]]', 'third life')
        assert.ok((await web.rows(id)).some(({ content }) => JSON.stringify(content).includes('remember the bridge')))
        const [asked] = scene.model.turns('third life')
        for (const text of ['remember the bridge', 'back again']) assert.ok(JSON.stringify(asked.messages).includes(text))
    })

    it('is deleted', async () => {
        await scene.archive(id)
        const mark = stream.frames.length
        assert.deepEqual(await web.delete(`/api/sessions/${id}`), { ok: true })
        await stream.waitFor('removal', ({ type, sessionId }) => type === 'session-removed' && sessionId === id, { from: mark })
        assert.equal((await web.call('GET', `/api/sessions/${id}`)).status, 404)
        assert.equal((await web.call('GET', `/api/sessions/${id}/messages`)).status, 404)
        assert.deepEqual((await web.get('/api/sessions')).sessions, [])
    })
})
