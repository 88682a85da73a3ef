// A developer works with Claude Code in a terminal; the web takes over, and a terminal takes back.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Scene } from './support/scene.mjs'
import { until } from './support/until.mjs'

describe('session in a terminal', { timeout: 180_000 }, () => {
    let scene, web, id, terminal

    before(async () => {
        scene = await Scene.open()
        web = scene.web
    })

    after(async () => scene?.close())

    const controlled = (byUser) => until(`control by ${byUser ? 'the terminal' : 'the web'}`, async () => {
        const session = await web.session(id)
        return session.active && session.agentState?.controlledByUser === byUser
    }, { deadline: 40_000 })

    it('appears when it is started by hand', async () => {
        terminal = scene.host.openTerminal('terminal', 'claude')
        id = await until('session', async () => (await web.get('/api/sessions')).sessions.find(({ active }) => active)?.id, { deadline: 40_000 })
        await controlled(true)
        assert.equal((await web.session(id)).metadata.startedBy, 'terminal')
    })

    /** Whether a row is there that a person typed at the agent's own screen. */
    const isTyped = async (text) => (await web.rows(id)).some(({ content }) =>
        content.role === 'user' && content.meta?.sentFrom === 'cli' && JSON.stringify(content).includes(text))

    it('shows on the web what is said in the terminal', async () => {
        await terminal.type('[[say spoken at the desk]]')
        await scene.row(id, 'spoken at the desk')
        assert.ok(await isTyped('[[say spoken at the desk]]'))
    })

    it('is taken over by the web', async () => {
        assert.deepEqual(await web.post(`/api/sessions/${id}/switch`, {}), { ok: true })
        await controlled(false)
        await scene.turn(id, '[[say spoken from afar]]', 'spoken from afar')
        const [asked] = scene.model.turns('spoken from afar')
        assert.ok(JSON.stringify(asked.messages).includes('spoken at the desk'))
    })

    it('is handed back to a terminal', async () => {
        const { hostPid } = (await web.session(id)).metadata
        const stream = await web.events({ sessionId: id })
        terminal = scene.host.openTerminal('second', 'resume', id)
        const end = await stream.waitFor('end of the old process', ({ type }) => type === 'session-ended', { deadline: 40_000 })
        assert.equal(end.data.reason, 'handoff')
        await controlled(true)
        const { metadata } = await web.session(id)
        assert.notEqual(metadata.hostPid, hostPid)
        assert.equal(metadata.lifecycleState, 'running')
        assert.equal(metadata.archivedBy, undefined)
        const rows = JSON.stringify(await web.rows(id))
        for (const text of ['spoken at the desk', 'spoken from afar']) assert.ok(rows.includes(text))
    })
    it('goes on there, and comes back to the web', async () => {
        await terminal.type('[[say back at the desk]]')
        await scene.row(id, 'back at the desk')
        assert.ok(await isTyped('[[say back at the desk]]'))
        const [typed] = scene.model.turns('back at the desk')
        assert.ok(JSON.stringify(typed.messages).includes('spoken from afar'))
        assert.deepEqual(await web.post(`/api/sessions/${id}/switch`, {}), { ok: true })
        await controlled(false)
        await scene.turn(id, '[[say afar once more]]', 'afar once more')
        const [asked] = scene.model.turns('afar once more')
        assert.ok(JSON.stringify(asked.messages).includes('back at the desk'))
    })

    it('is taken to a terminal when a runner had started it', async () => {
        id = await scene.spawn()
        await scene.turn(id, '[[say begun on the web]]', 'begun on the web')
        terminal = scene.host.openTerminal('third', 'resume', id)
        await controlled(true)
        assert.equal((await web.session(id)).metadata.startedBy, 'terminal')
        await terminal.type('[[say carried on by hand]]')
        await scene.row(id, 'carried on by hand')
        const [asked] = scene.model.turns('carried on by hand')
        assert.ok(JSON.stringify(asked.messages).includes('begun on the web'))
        assert.deepEqual(await web.post(`/api/sessions/${id}/switch`, {}), { ok: true })
        await controlled(false)
        await scene.turn(id, '[[say ended on the web]]', 'ended on the web')
    })
})
