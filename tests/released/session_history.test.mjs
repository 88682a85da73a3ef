// Ways out of a conversation that went astray: a second session with its beginning, and a fresh start. None of these
// agents can take the end of a conversation back.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Scene } from './support/scene.mjs'
import { until } from './support/until.mjs'

describe('history of a session', { timeout: 240_000 }, () => {
    let scene, web

    before(async () => {
        scene = await Scene.open()
        web = scene.web
    })

    after(async () => scene?.close())

    /** Starts a session with three turns; returns its id and the local ids of its prompts. */
    async function converse(agent, topic) {
        const id = await scene.spawn({ agent })
        const prompts = []
        for (const part of ['first', 'second', 'third']) {
            await scene.idle(id)
            prompts.push((await scene.turn(id, `[[say ${part} of ${topic}]]`, `${part} of ${topic}`)).localId)
        }
        await scene.idle(id)
        return { id, prompts }
    }

    const texts = async (id) => (await web.rows(id)).map(({ content }) => JSON.stringify(content))
    const says = async (id, text) => (await texts(id)).some((row) => row.includes(text))
    /** Speaks to a session and returns all that its model is then asked with. */
    async function ask(id, text) {
        await scene.turn(id, `[[say ${text}]]`, text)
        const [asked] = scene.model.turns(text)
        return JSON.stringify(asked.messages ?? asked.input)
    }
    const post = (id, action, body = {}) => web.call('POST', `/api/sessions/${id}/${action}`, body)

    describe('of Claude Code', () => {
        let id, prompts

        before(async () => {
            ({ id, prompts } = await converse('claude', 'the river'))
            await web.patch(`/api/sessions/${id}`, { name: 'River' })
        })

        it('is copied whole into a second session', async () => {
            const { metadata } = await web.session(id)
            assert.deepEqual(metadata.capabilities.conversationHistory, { forkCurrent: true })
            const rows = await texts(id)
            const answer = await post(id, 'fork')
            assert.equal(answer.status, 200, JSON.stringify(answer.body))
            const child = answer.body.sessionId
            assert.notEqual(child, id)
            const forked = await web.session(child)
            assert.equal(forked.active, true)
            assert.equal(forked.metadata.forkedFrom, id)
            assert.equal(forked.metadata.summary.text, 'Fork: River')
            assert.notEqual(forked.metadata.claudeSessionId, metadata.claudeSessionId)
            assert.deepEqual((await texts(child)).slice(0, rows.length), rows)
            const heard = await ask(child, 'only in the copy')
            for (const part of ['first', 'second', 'third']) assert.ok(heard.includes(`${part} of the river`), part)
            assert.ok(!await says(id, 'only in the copy'))
            await post(child, 'archive')
        })

        it('is not copied while the agent works', async () => {
            await web.prompt(id, '[[hold on]]')
            await until('running turn', () => scene.model.holding === 1)
            const refused = await post(id, 'fork')
            assert.deepEqual([refused.status, refused.body.error], [409, 'Session is busy'])
            scene.model.release()
            await scene.row(id, 'on done')
        })

        it('is neither cut nor taken back, which Claude cannot do', async () => {
            await scene.idle(id)
            const before = await texts(id)
            for (const action of ['fork', 'rewind']) {
                const refused = await post(id, action, { messageLocalId: prompts[1] })
                assert.equal(refused.status, 409)
                assert.match(refused.body.error, /not support/)
            }
            assert.deepEqual(await texts(id), before)
            const heard = await ask(id, 'still the same')
            for (const part of ['first', 'second', 'third']) assert.ok(heard.includes(`${part} of the river`), part)
        })
    })

    describe('of Codex', () => {
        let id, prompts

        before(async () => { ({ id, prompts } = await converse('codex', 'the hill')) })

        it('is copied whole into a second session', async () => {
            const answer = await post(id, 'fork')
            assert.equal(answer.status, 200, JSON.stringify(answer.body))
            const child = answer.body.sessionId
            const [source, forked] = [await web.session(id), await web.session(child)]
            assert.equal(forked.metadata.forkedFrom, id)
            assert.notEqual(forked.metadata.codexSessionId, source.metadata.codexSessionId)
            await scene.active(child)
            for (const part of ['first', 'second', 'third']) await scene.row(child, `${part} of the hill`)
            const heard = await ask(child, 'only in the copy of the hill')
            assert.ok(heard.includes('third of the hill'))
            assert.ok(!await says(id, 'only in the copy of the hill'))
            await post(child, 'archive')
        })

        it('is copied up to a prompt', async () => {
            await scene.idle(id)
            const answer = await post(id, 'fork', { messageLocalId: prompts[1] })
            assert.equal(answer.status, 200, JSON.stringify(answer.body))
            const child = answer.body.sessionId
            await scene.active(child)
            const heard = await ask(child, 'another way up')
            assert.ok(heard.includes('first of the hill'))
            assert.ok(!heard.includes('second of the hill'))
            await post(child, 'archive')
        })

        it('is not taken back, which Codex cannot do', async () => {
            await scene.idle(id)
            const refused = await post(id, 'rewind', { messageLocalId: prompts[1] })
            assert.deepEqual([refused.status, refused.body.hydrateFailed], [409, false])
            assert.match(refused.body.error, /not support/)
            assert.ok(await says(id, 'second of the hill'))
        })

        it('begins anew in another session', async () => {
            const answer = await post(id, 'clear')
            assert.equal(answer.status, 200, JSON.stringify(answer.body))
            const fresh = answer.body.sessionId
            assert.notEqual(fresh, id)
            await scene.active(fresh)
            assert.ok(!(await ask(fresh, 'a clean page')).includes('of the hill'))
            assert.ok(await says(id, 'third of the hill'))
        })
    })
})
