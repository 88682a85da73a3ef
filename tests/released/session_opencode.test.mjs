// A person steers a real OpenCode from a web client.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Scene } from './support/scene.mjs'
import { until } from './support/until.mjs'

const isConsumed = (localId) => ({ type, localIds }) => type === 'messages-consumed' && localIds.includes(localId)

describe('session of OpenCode', { timeout: 360_000 }, () => {
    let scene, web, id, stream
    const made = (name) => fs.existsSync(path.join(scene.host.project, name))

    before(async () => {
        scene = await Scene.open()
        web = scene.web
        stream = await web.events()
        id = await scene.spawn({ agent: 'opencode' })
    })

    after(async () => scene?.close())

    it('answers a prompt', async () => {
        const { localId, row } = await scene.turn(id, '[[say good morning]]', 'good morning', { deadline: 60_000 })
        const { type, data } = row.content.content
        assert.deepEqual([type, data.type, data.message], ['codex', 'message', 'good morning'])
        await stream.waitFor('consumption', isConsumed(localId))
        const { metadata } = await web.session(id)
        assert.equal(metadata.flavor, 'opencode')
        assert.match(metadata.opencodeSessionId, /^ses_/)
    })

    it('runs a command that was approved', async () => {
        await web.prompt(id, '[[bash touch approved.txt && echo made it]]')
        const request = await web.request(id)
        assert.equal(request.arguments.command, 'touch approved.txt && echo made it')
        assert.equal((await scene.decide(id, request, 'approve')).ok, true)
        await scene.closed(id, request, 'approved')
        await scene.row(id, 'tool said: made it')
        assert.ok(made('approved.txt'))
    })

    it('does not run a command that was denied, and lives on', async () => {
        await web.prompt(id, '[[bash touch denied.txt]]')
        const request = await web.request(id)
        assert.equal((await scene.decide(id, request, 'deny')).ok, true)
        await scene.closed(id, request, 'denied')
        await scene.turn(id, '[[say still here]]', 'still here')
        assert.ok(!made('denied.txt'))
    })

    it('stops a running turn', async () => {
        await scene.idle(id)
        await web.prompt(id, '[[hold endless]]')
        await until('running turn', () => scene.model.holding === 1)
        assert.deepEqual(await web.post(`/api/sessions/${id}/abort`, {}), { ok: true })
        await until('end of the turn', () => scene.model.holding === 0)
        await scene.turn(id, '[[say after the stop]]', 'after the stop')
        assert.ok(!JSON.stringify(await web.rows(id)).includes('endless done'))
    })

    it('lets no prompt into the running turn, and runs it afterwards', async () => {
        await scene.idle(id)
        await web.prompt(id, '[[hold first]]')
        await until('running turn', () => scene.model.holding === 1)
        const localId = await web.prompt(id, '[[say next in line]]')
        const { status, error } = await web.post(`/api/sessions/${id}/messages/${localId}/steer`, {})
        assert.deepEqual([status, error], ['failed', 'Steering is only supported for Pi, Codex, and Cursor ACP sessions'])
        scene.model.release()
        await scene.row(id, 'first done')
        await scene.row(id, 'next in line')
    })

    it('is handed a file', async () => {
        const attachment = await scene.attach(id, 'note.txt', 'attached words\n')
        assert.equal(fs.readFileSync(attachment.path, 'utf8'), 'attached words\n')
        await web.prompt(id, '[[say got the note]]', { attachments: [attachment] })
        await scene.row(id, 'got the note')
        const [asked] = scene.model.turns('got the note')
        assert.ok(JSON.stringify(asked.messages).includes(attachment.path))
    })

    it('lists its models, and changes to another', async () => {
        const { success, availableModels, currentModelId } = await web.get(`/api/sessions/${id}/opencode-models`)
        assert.equal(success, true)
        assert.deepEqual(availableModels.map(({ modelId }) => modelId), ['scripted/first', 'scripted/second'])
        assert.equal(currentModelId, 'scripted/first')
        await scene.idle(id)
        assert.deepEqual(await web.post(`/api/sessions/${id}/model`, { model: 'scripted/second' }), { ok: true })
        await scene.turn(id, '[[say with another model]]', 'with another model')
        const [asked] = scene.model.turns('with another model')
        assert.equal(asked.model, 'second')
        assert.equal((await web.session(id)).model, 'scripted/second')
        const query = new URLSearchParams({ cwd: scene.host.project })
        const ofMachine = await web.get(`/api/machines/${scene.machine.id}/opencode-models?${query}`)
        assert.deepEqual(ofMachine.availableModels, availableModels)
    })

    it('changes its permission mode', async () => {
        await scene.idle(id)
        assert.deepEqual(await web.post(`/api/sessions/${id}/permission-mode`, { mode: 'yolo' }), { ok: true })
        assert.equal((await web.session(id)).permissionMode, 'yolo')
        await scene.turn(id, '[[bash touch free.txt && echo made freely]]', 'tool said: made freely')
        assert.ok(made('free.txt'))
        const foreign = await web.call('POST', `/api/sessions/${id}/permission-mode`, { mode: 'read-only' })
        assert.deepEqual([foreign.status, foreign.body], [400, { error: 'Invalid permission mode for session flavor' }])
    })

    it('comes back under its own id with its history', async () => {
        const before = await web.rows(id)
        const { metadata } = await scene.archive(id)
        assert.equal(metadata.archivedBy, 'cli')
        await until('end of the process', () => !scene.host.processes().includes(metadata.hostPid))
        assert.deepEqual(await web.post(`/api/sessions/${id}/resume`, {}), { type: 'success', sessionId: id })
        const session = await web.session(id)
        assert.equal(session.metadata.opencodeSessionId, metadata.opencodeSessionId)
        await scene.turn(id, '[[say back again]]', 'back again')
        const rows = await web.rows(id)
        assert.deepEqual(rows.slice(0, before.length).map((row) => row.id), before.map((row) => row.id))
        const [asked] = scene.model.turns('back again')
        assert.equal(asked.model, 'second')
        assert.ok(JSON.stringify(asked.messages).includes('good morning'))
    })

    it('tells each row once', async () => {
        const rows = await web.rows(id)
        const told = await stream.tellsOf(rows)
        assert.equal(told.length, rows.length)
    })
    it('begins anew in another session after /clear', async () => {
        await scene.idle(id)
        await web.prompt(id, '/clear')
        // It waits behind the command, and must not get lost on the way to the other session.
        const localId = await web.prompt(id, '[[say a clean page]]')
        const fresh = await until('replacement', async () => (await web.session(id)).metadata.supersededBySessionId, { deadline: 60_000 })
        await scene.active(fresh)
        await scene.row(fresh, 'a clean page', { deadline: 60_000 })
        const [carried] = (await web.rows(fresh)).filter((row) => row.localId === localId)
        assert.equal(typeof carried.invokedAt, 'number')
        assert.equal(scene.model.turns('a clean page').length, 1)
        const [asked] = scene.model.turns('a clean page')
        assert.ok(!JSON.stringify(asked.messages).includes('good morning'))
        const old = await web.session(id)
        assert.deepEqual([old.active, old.metadata.archiveReason], [false, 'Cleared by /clear'])
        assert.ok(JSON.stringify(await web.rows(id)).includes('good morning'))
        const refused = await web.call('POST', `/api/sessions/${id}/resume`, {})
        assert.deepEqual([refused.status, refused.body.code], [409, 'resume_unavailable'])
    })
})
