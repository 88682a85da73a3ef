// A person steers a real Codex from a web client. Its sessions are shared: several clients may drive one at a time.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Scene } from './support/scene.mjs'
import { until } from './support/until.mjs'

const isConsumed = (localId) => ({ type, localIds }) => type === 'messages-consumed' && localIds.includes(localId)

describe('session of Codex', { timeout: 240_000 }, () => {
    let scene, web, id, stream
    const made = (name) => fs.existsSync(path.join(scene.host.project, name))
    // A prompt that comes in the last moments of a turn is taken into it.
    const rested = () => until('end of the turn', async () => (await web.rows(id)).at(-1).content.content?.data?.type === 'ready')

    before(async () => {
        scene = await Scene.open()
        web = scene.web
        stream = await web.events()
        id = await scene.spawn({ agent: 'codex' })
    })

    after(async () => scene?.close())

    it('answers a prompt', async () => {
        const { localId, row } = await scene.turn(id, '[[say good morning]]', 'good morning')
        const { type, data } = row.content.content
        assert.deepEqual([type, data.type, data.message], ['codex', 'message', 'good morning'])
        await stream.waitFor('consumption', isConsumed(localId))
        const { metadata, model } = await web.session(id)
        assert.equal(metadata.flavor, 'codex')
        assert.equal(metadata.capabilities.concurrentClients, true)
        assert.equal(model, 'scripted-1')
        const refused = await web.call('POST', `/api/sessions/${id}/switch`, {})
        assert.deepEqual([refused.status, refused.body.code], [409, 'control_mode_not_applicable'])
    })

    it('leaves the sandbox for a command that was approved', async () => {
        await rested()
        await web.prompt(id, '[[escalate touch approved.txt && echo made it]]')
        const request = await web.request(id, 'CodexBash')
        assert.match(request.arguments.command, /touch approved\.txt/)
        assert.equal((await scene.decide(id, request, 'approve')).ok, true)
        await scene.closed(id, request, 'resolved')
        await scene.row(id, 'tool said:')
        assert.ok(made('approved.txt'))
    })

    it('does not run a command that was denied, and lives on', async () => {
        await rested()
        await web.prompt(id, '[[escalate touch denied.txt]]')
        const request = await web.request(id, 'CodexBash')
        assert.equal((await scene.decide(id, request, 'deny')).ok, true)
        await scene.closed(id, request, 'resolved')
        await rested()
        await scene.turn(id, '[[say still here]]', 'still here')
        assert.ok(!made('denied.txt'))
    })

    it('stops a running turn', async () => {
        await rested()
        await web.prompt(id, '[[hold endless]]')
        await until('running turn', () => scene.model.holding === 1)
        assert.deepEqual(await web.post(`/api/sessions/${id}/abort`, {}), { ok: true })
        await until('end of the answer', () => scene.model.holding === 0)
        await rested()
        await scene.turn(id, '[[say after the stop]]', 'after the stop')
        assert.ok(!JSON.stringify(await web.rows(id)).includes('endless done'))
    })

    it('takes a queued prompt into the running turn', async () => {
        await rested()
        await web.prompt(id, '[[hold first]]')
        await until('running turn', () => scene.model.holding === 1)
        const localId = await web.prompt(id, '[[say taken along]]')
        const { queuedLocalIds } = await web.post(`/api/sessions/${id}/messages/queued-state`, { localIds: [localId] })
        assert.deepEqual(queuedLocalIds, [localId])
        const mark = stream.frames.length
        assert.deepEqual(await web.post(`/api/sessions/${id}/messages/${localId}/steer`, {}), { status: 'steered', localId })
        const consumed = await stream.waitFor('consumption', isConsumed(localId), { from: mark })
        assert.equal(consumed.data.steered, true)
        scene.model.release()
        await scene.row(id, 'taken along')
        const late = await web.post(`/api/sessions/${id}/messages/${localId}/steer`, {})
        assert.deepEqual([late.status, late.message.localId], ['invoked', localId])
    })

    it('is handed a file', async () => {
        await rested()
        const attachment = await scene.attach(id, 'note.txt', 'attached words\n')
        assert.equal(fs.readFileSync(attachment.path, 'utf8'), 'attached words\n')
        await web.prompt(id, '[[say got the note]]', { attachments: [attachment] })
        await scene.row(id, 'got the note')
        const [asked] = scene.model.turns('got the note')
        assert.ok(JSON.stringify(asked.input).includes(attachment.path))
    })

    it('is shared with a terminal', async () => {
        const { hostPid } = (await web.session(id)).metadata
        const terminal = scene.host.openTerminal('beside', 'resume', id)
        await terminal.waitFor('the conversation so far', /got the note/)
        await terminal.type('[[say typed by hand]]')
        await scene.row(id, 'typed by hand')
        const typed = (await web.rows(id)).find(({ content }) => content.role === 'user' && JSON.stringify(content).includes('typed by hand'))
        assert.equal(typed.content.meta.sentFrom, 'cli')
        assert.equal(typeof typed.invokedAt, 'number')
        await rested()
        await scene.turn(id, '[[say typed from afar]]', 'typed from afar')
        await terminal.waitFor('what was said from afar', /• typed from afar/)
        const { active, agentState, metadata } = await web.session(id)
        assert.deepEqual([active, agentState.controlledByUser, metadata.hostPid], [true, false, hostPid])
        terminal.close()
        await rested()
        await scene.turn(id, '[[say alone again]]', 'alone again')
    })

    it('lists its models, and changes to another', async () => {
        const { success, models } = await web.get(`/api/sessions/${id}/codex-models`)
        assert.equal(success, true)
        // The newer ones are not told of their tools in the way that the scripted model understands.
        const other = models.find(({ displayName }) => displayName === 'GPT-5.5')
        assert.ok(other.supportedReasoningEfforts.includes('high'))
        const ofMachine = await web.get(`/api/machines/${scene.machine.id}/codex-models`)
        assert.deepEqual(ofMachine.models.map((model) => model.id), models.map((model) => model.id))
        await rested()
        assert.deepEqual(await web.post(`/api/sessions/${id}/model`, { model: other.id }), { ok: true })
        assert.deepEqual(await web.post(`/api/sessions/${id}/model-reasoning-effort`, { modelReasoningEffort: 'high' }), { ok: true })
        await scene.turn(id, '[[say with another model]]', 'with another model')
        const [asked] = scene.model.turns('with another model')
        assert.equal(asked.model, other.id)
        assert.equal(asked.reasoning.effort, 'high')
        const session = await web.session(id)
        assert.deepEqual([session.model, session.modelReasoningEffort], [other.id, 'high'])
        const foreign = await web.call('GET', `/api/sessions/${id}/opencode-models`)
        assert.equal(foreign.status, 400)
    })

    it('changes its permission mode', async () => {
        await rested()
        assert.deepEqual(await web.post(`/api/sessions/${id}/permission-mode`, { mode: 'yolo' }), { ok: true })
        assert.equal((await web.session(id)).permissionMode, 'yolo')
        await scene.turn(id, '[[bash touch free.txt && echo made freely]]', 'made freely')
        assert.ok(made('free.txt'))
        const foreign = await web.call('POST', `/api/sessions/${id}/permission-mode`, { mode: 'bypassPermissions' })
        assert.deepEqual([foreign.status, foreign.body], [400, { error: 'Invalid permission mode for session flavor' }])
    })

    it('comes back under its own id with its history', async () => {
        const before = await web.rows(id)
        const { metadata } = await scene.archive(id)
        await until('end of the process', () => !scene.host.processes().includes(metadata.hostPid))
        assert.deepEqual(await web.post(`/api/sessions/${id}/resume`, {}), { type: 'success', sessionId: id })
        const session = await web.session(id)
        assert.equal(session.metadata.codexSessionId, metadata.codexSessionId)
        assert.equal(session.permissionMode, 'yolo')
        await scene.turn(id, '[[say back again]]', 'back again')
        const rows = await web.rows(id)
        assert.deepEqual(rows.slice(0, before.length).map((row) => row.id), before.map((row) => row.id))
        const [asked] = scene.model.turns('back again')
        assert.ok(JSON.stringify(asked.input).includes('taken along'))
    })

    it('tells no row with two contents', async () => {
        // Codex sends what it knows by an id of its own again, after each turn and each start.
        const rows = new Map((await web.rows(id)).map((row) => [row.id, row]))
        for (const { message } of await stream.tellsOf([...rows.values()])) assert.deepEqual(message.content, rows.get(message.id).content)
    })
})
