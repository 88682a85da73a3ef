// A person steers a real Claude Code from a web client: turns, permissions, questions, the queue, settings.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Scene } from './support/scene.mjs'
import { until } from './support/until.mjs'

const isReady = (data) => data.type === 'message-received' && data.message.content?.content?.data?.type === 'ready'
const isConsumed = (localId) => ({ type, localIds }) => type === 'messages-consumed' && localIds.includes(localId)

describe('session', { timeout: 240_000 }, () => {
    let scene, web, id, stream

    before(async () => {
        scene = await Scene.open()
        web = scene.web
    })

    after(async () => scene?.close())

    const decide = (...args) => scene.decide(id, ...args)
    const closed = (...args) => scene.closed(id, ...args)
    const idle = () => scene.idle(id)

    it('has a machine that says what it can run', async () => {
        assert.equal(scene.machine.active, true)
        assert.equal(scene.machine.metadata.happyCliVersion, '0.30.7')
        const { agents } = await web.get(`/api/machines/${scene.machine.id}/agent-availability`)
        assert.deepEqual(agents.find(({ agent }) => agent === 'claude'), { agent: 'claude', available: true })
        const missing = path.join(scene.host.root, 'missing')
        const { exists } = await web.post(`/api/machines/${scene.machine.id}/paths/exists`, { paths: [scene.host.project, missing] })
        assert.deepEqual(exists, { [scene.host.project]: true, [missing]: false })
    })

    it('starts on that machine', async () => {
        id = await scene.spawn()
        stream = await web.events({ sessionId: id })
        const session = await web.session(id)
        assert.equal(session.metadata.flavor, 'claude')
        assert.equal(session.metadata.path, scene.host.project)
        assert.equal(session.metadata.machineId, scene.machine.id)
        const { sessions } = await web.get('/api/sessions')
        assert.deepEqual(sessions.map((summary) => [summary.id, summary.active]), [[id, true]])
    })

    it('answers a prompt', async () => {
        const { localId, row } = await scene.turn(id, '[[say good morning]]', 'good morning')
        assert.equal(row.content.content.data.message.content[0].text, 'good morning')
        const consumed = await stream.waitFor('consumption', isConsumed(localId))
        const own = await stream.waitFor('the prompt itself', ({ type, message }) => type === 'message-received' && message.localId === localId)
        assert.equal(own.data.message.invokedAt, null)
        const told = await stream.waitFor('the answer', ({ type, message }) => type === 'message-received' && message.id === row.id)
        assert.deepEqual(told.data.message.content, row.content)
        await stream.waitFor('ready', isReady)
        const order = [own, consumed, told].map((frame) => stream.frames.indexOf(frame))
        assert.deepEqual(order, [...order].sort((a, b) => a - b))
        const rows = await web.rows(id)
        assert.equal(rows.find((entry) => entry.localId === localId).invokedAt, consumed.data.invokedAt)
        assert.equal(rows.length, new Set(rows.map(({ id: rowId }) => rowId)).size)
    })

    it('runs a command that was approved', async () => {
        await web.prompt(id, '[[bash touch approved.txt]]')
        const request = await web.request(id, 'Bash')
        assert.equal(request.arguments.command, 'touch approved.txt')
        const { sessions: [summary] } = await web.get('/api/sessions')
        assert.equal(summary.pendingRequestsCount, 1)
        assert.equal((await decide(request, 'approve')).ok, true)
        await closed(request, 'approved')
        await scene.row(id, 'tool said:')
        assert.ok(fs.existsSync(path.join(scene.host.project, 'approved.txt')))
    })

    it('does not run a command that was denied, and lives on', async () => {
        await web.prompt(id, '[[bash touch denied.txt]]')
        const request = await web.request(id, 'Bash')
        assert.equal((await decide(request, 'deny')).ok, true)
        await closed(request, 'denied')
        await scene.turn(id, '[[say still here]]', 'still here')
        assert.ok(!fs.existsSync(path.join(scene.host.project, 'denied.txt')))
        const late = await web.call('POST', `/api/sessions/${id}/permissions/${request.id}/approve`, {})
        assert.deepEqual([late.status, late.body], [404, { error: 'Request not found' }])
    })

    it('takes the answer to a question', async () => {
        await web.prompt(id, '[[ask]]')
        const request = await web.request(id, 'AskUserQuestion')
        assert.equal(request.arguments.questions[0].question, 'Which colour?')
        // The key is the number of the question.
        await decide(request, 'approve', { answers: { 0: ['Blue'] } })
        await closed(request, 'approved')
        await scene.row(id, 'tool said: Your questions have been answered: \\"Which colour?\\"=\\"Blue\\"')
    })

    it('stops a running turn', async () => {
        await idle()
        await web.prompt(id, '[[hold endless]]')
        await until('running turn', () => scene.model.holding === 1)
        assert.equal((await web.session(id)).thinking, true)
        assert.deepEqual(await web.post(`/api/sessions/${id}/abort`, {}), { ok: true })
        await until('end of the turn', () => scene.model.holding === 0)
        await idle()
        await scene.turn(id, '[[say after the stop]]', 'after the stop')
        assert.ok(!JSON.stringify(await web.rows(id)).includes('endless done'))
    })

    it('queues prompts while it works, and lets one be cancelled', async () => {
        await idle()
        await web.prompt(id, '[[hold first]]')
        await until('running turn', () => scene.model.holding === 1)
        const cancelled = await web.prompt(id, '[[say should never run]]')
        const kept = await web.prompt(id, '[[say ran later]]')
        const state = await web.post(`/api/sessions/${id}/messages/queued-state`, { localIds: [cancelled, kept] })
        assert.deepEqual([...state.queuedLocalIds].sort(), [cancelled, kept].sort())
        const row = (await web.rows(id)).find((entry) => entry.localId === cancelled)
        const answer = await web.delete(`/api/sessions/${id}/messages/${row.id}`)
        assert.deepEqual(answer, { status: 'cancelled', localId: cancelled })
        await stream.waitFor('cancellation', ({ type, messageId }) => type === 'message-cancelled' && messageId === row.id)
        scene.model.release()
        await scene.row(id, 'first done')
        await scene.row(id, 'ran later')
        await stream.waitFor('consumption', isConsumed(kept))
        const rows = await web.rows(id)
        assert.equal(rows.filter((entry) => entry.localId === cancelled).length, 0)
        assert.equal(rows.filter((entry) => entry.localId === kept).length, 1)
        assert.ok(!JSON.stringify(scene.model.requests).includes('should never run'))
        const late = await web.delete(`/api/sessions/${id}/messages/${kept}`)
        assert.equal(late.status, 'invoked')
    })

    it('delivers a scheduled prompt when it is due', async () => {
        await idle()
        const localId = await web.prompt(id, '[[say on time]]', { scheduledAt: Date.now() + 1500 })
        const { sessions: [summary] } = await web.get('/api/sessions')
        assert.equal(summary.futureScheduledMessageCount, 1)
        await scene.row(id, 'on time')
        await stream.waitFor('maturing', ({ type }) => type === 'scheduled-matured')
        await stream.waitFor('consumption', isConsumed(localId))
    })

    it('changes its permission mode', async () => {
        await idle()
        assert.deepEqual(await web.post(`/api/sessions/${id}/permission-mode`, { mode: 'bypassPermissions' }), { ok: true })
        assert.equal((await web.session(id)).permissionMode, 'bypassPermissions')
        await scene.turn(id, '[[bash touch free.txt && echo made freely]]', 'tool said: made freely')
        assert.ok(fs.existsSync(path.join(scene.host.project, 'free.txt')))
        const unknown = await web.call('POST', `/api/sessions/${id}/permission-mode`, { mode: 'anything' })
        assert.deepEqual([unknown.status, unknown.body], [400, { error: 'Invalid body' }])
        await web.post(`/api/sessions/${id}/permission-mode`, { mode: 'default' })
    })

    it('changes its model', async () => {
        await idle()
        assert.deepEqual(await web.post(`/api/sessions/${id}/model`, { model: 'haiku' }), { ok: true })
        assert.equal((await web.session(id)).model, 'haiku')
        await scene.turn(id, '[[say with another model]]', 'with another model')
        const [asked] = scene.model.turns('with another model')
        assert.match(asked.model, /haiku/)
        await web.post(`/api/sessions/${id}/model`, { model: null })
        assert.equal((await web.session(id)).model, null)
    })

    it('tells each row once', async () => {
        const rows = await web.rows(id)
        const told = await stream.tellsOf(rows)
        assert.equal(told.length, rows.length)
    })
})
