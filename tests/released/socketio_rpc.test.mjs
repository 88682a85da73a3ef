// Calls from a web client through the hub into a CLI, over each transport, small and very large.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { barrier, Cli, received, serve } from './support/cli.mjs'
import { Hub, isWheelhouse } from './support/hub.mjs'
import { until, within } from './support/until.mjs'
import { Web } from './support/web.mjs'

// 30 MiB are 40 MiB of base64, which a single acknowledgement carries.
const IMAGE = randomBytes(30 * 1024 * 1024)
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex')

describe('remote calls', { timeout: 180_000 }, () => {
    let hub, web, cli

    before(async () => {
        hub = await Hub.start()
        web = await Web.signIn(hub)
        cli = new Cli(hub)
    })

    after(async () => {
        cli?.close()
        web?.close()
        await hub?.close()
    })

    for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
        it(`answer git-status over ${transports.join(' then ')}`, async () => {
            const session = await cli.createSession()
            const calls = []
            await cli.attach(session.id, {
                'git-status': (params) => { calls.push(params); return { success: true, stdout: '# branch.head main\n', exitCode: 0 } }
            }, { transports })
            const answers = await Promise.all(Array.from({ length: 20 }, () => web.get(`/api/sessions/${session.id}/git-status`)))
            for (const answer of answers) assert.deepEqual(answer, { success: true, stdout: '# branch.head main\n', exitCode: 0 })
            assert.deepEqual(calls, Array.from({ length: 20 }, () => ({ cwd: '/srv/project' })))
        })

        it(`carry a 40 MiB image over ${transports.join(' then ')}`, { timeout: 60_000 }, async () => {
            const session = await cli.createSession()
            const socket = await cli.attach(session.id, {
                readGeneratedImage: ({ id }) => ({ success: true, content: IMAGE.toString('base64'), mimeType: 'image/png', fileName: `${id}.png` })
            }, { transports })
            const answer = await fetch(`${hub.url}/api/sessions/${session.id}/generated-images/large`, { headers: { authorization: `Bearer ${web.token}` } })
            assert.equal(answer.status, 200)
            assert.equal(answer.headers.get('content-type'), 'image/png')
            assert.equal(answer.headers.get('etag'), '"large"')
            assert.equal(digest(Buffer.from(await answer.arrayBuffer())), digest(IMAGE))
            await barrier(socket)
        })
    }

    it('carry a large file both ways', { timeout: 60_000 }, async () => {
        const session = await cli.createSession()
        let uploaded
        await cli.attach(session.id, {
            readFile: ({ path }) => ({ success: true, content: IMAGE.toString('base64'), size: IMAGE.length, path }),
            uploadFile: ({ content, filename }) => { uploaded = content; return { success: true, path: `/uploads/${filename}` } }
        })
        const file = await web.get(`/api/sessions/${session.id}/file?path=large.bin`)
        assert.equal(digest(Buffer.from(file.content, 'base64')), digest(IMAGE))
        const upload = await web.post(`/api/sessions/${session.id}/upload`, { filename: 'large.bin', mimeType: 'application/octet-stream', content: IMAGE.toString('base64') })
        assert.deepEqual(upload, { success: true, path: '/uploads/large.bin' })
        assert.equal(digest(Buffer.from(uploaded, 'base64')), digest(IMAGE))
    })

    it('take answers in any order', async () => {
        const session = await cli.createSession()
        const finish = {}
        let allAsked
        const asked = new Promise((resolve) => { allAsked = resolve })
        await cli.attach(session.id, {
            readFile: ({ path }) => new Promise((answer) => {
                finish[path] = () => answer({ success: true, content: Buffer.from(path).toString('base64') })
                if (Object.keys(finish).length === 3) allAsked()
            })
        })
        const order = []
        const reads = ['a', 'b', 'c'].map(async (path) => {
            const { content } = await web.get(`/api/sessions/${session.id}/file?path=${path}`)
            assert.equal(Buffer.from(content, 'base64').toString(), path)
            order.push(path)
        })
        await within('three calls', asked)
        for (const [index, path] of ['c', 'a', 'b'].entries()) {
            finish[path]()
            await reads[['a', 'b', 'c'].indexOf(path)]
            assert.equal(order[index], path)
        }
    })

    it('take null as success, text as it is, and errors as answers', async () => {
        const session = await cli.createSession()
        const request = { tool: 'Bash', arguments: { command: 'ls' }, createdAt: Date.now() }
        let permission
        const socket = await cli.attach(session.id, {
            permission: (params) => { permission = params },
            'git-status': () => ({ success: false, error: 'not a repository' }),
            'set-session-config': () => ({ error: 'not now' })
        })
        socket.emit('update-state', { sid: session.id, expectedVersion: 1, agentState: { requests: { 'tool:1': request } } }, () => {})
        await barrier(socket)
        const decided = await web.post(`/api/sessions/${session.id}/permissions/${encodeURIComponent('tool:1')}/approve`, { decision: 'approved' })
        assert.equal(decided.ok, true)
        await until('relayed decision', () => permission)
        assert.deepEqual(permission, { id: 'tool:1', approved: true, decision: 'approved' })
        assert.deepEqual(await web.get(`/api/sessions/${session.id}/git-status`), { success: false, error: 'not a repository' })
        const config = await web.call('POST', `/api/sessions/${session.id}/permission-mode`, { mode: 'plan' })
        assert.deepEqual([config.status, config.body], [409, { error: 'not now' }])
        const unknown = await web.call('POST', `/api/sessions/${session.id}/permissions/none/approve`, {})
        assert.deepEqual([unknown.status, unknown.body], [404, { error: 'Request not found' }])
    })

    it('reach the newest owner of a method, and nobody after it left', async () => {
        const session = await cli.createSession()
        const answer = (stdout) => ({ 'git-status': () => ({ success: true, stdout }) })
        const missing = { success: false, error: `RPC handler not registered: ${session.id}:git-status` }
        const read = () => web.get(`/api/sessions/${session.id}/git-status`)
        assert.deepEqual(await read(), missing)
        const older = await cli.attach(session.id, answer('older'))
        assert.equal((await read()).stdout, 'older')
        const newer = await cli.attach(session.id, answer('newer'))
        assert.equal((await read()).stdout, 'newer')
        older.emit('rpc-unregister', { method: `${session.id}:git-status` })
        await barrier(older)
        assert.equal((await read()).stdout, 'newer')
        newer.emit('rpc-unregister', { method: `${session.id}:git-status` })
        await barrier(newer)
        assert.deepEqual(await read(), missing)
    })

    it('keep the new owner when the old socket of a CLI ends late', async () => {
        const session = await cli.createSession()
        const status = (stdout) => ({ 'git-status': () => ({ success: true, stdout }) })
        const older = await cli.attach(session.id, { ...status('older'), listSkills: () => ({ success: true, skills: [] }) })
        await cli.attach(session.id, status('newer'))
        older.disconnect()
        // What only the old socket owned is gone: the hub has finished with it.
        await until('end of the old socket', async () => !(await web.get(`/api/sessions/${session.id}/skills`)).success)
        assert.equal((await web.get(`/api/sessions/${session.id}/git-status`)).stdout, 'newer')
    })

    it('stay inside a namespace', { skip: !isWheelhouse && 'the released hub lets a stranger register' }, async () => {
        const other = new Cli(hub, 'team-b')
        try {
            const session = await cli.createSession()
            const stranger = await other.connect()
            serve(stranger, session.id, { 'git-status': () => ({ success: true, stdout: 'stolen' }) })
            await barrier(stranger)
            assert.deepEqual(await web.get(`/api/sessions/${session.id}/git-status`), { success: false, error: `RPC handler not registered: ${session.id}:git-status` })
        } finally {
            other.close()
        }
    })

    it('reach machines as sessions', async () => {
        const machine = await cli.createMachine()
        const runner = await cli.connect({ auth: { clientType: 'machine-scoped', machineId: machine.id } })
        let spawn
        serve(runner, machine.id, {
            'agent-availability': () => ({ agents: [{ agent: 'claude', available: true }] }),
            'path-exists': ({ paths }) => ({ exists: Object.fromEntries(paths.map((path) => [path, path === '/srv'])) }),
            'spawn-happy-session': (params) => { spawn = params; return { type: 'success', sessionId: 'the-child' } }
        })
        runner.emit('machine-alive', { machineId: machine.id, time: Date.now() })
        await barrier(runner)
        assert.deepEqual(await web.get(`/api/machines/${machine.id}/agent-availability`), { agents: [{ agent: 'claude', available: true }] })
        assert.deepEqual(await web.post(`/api/machines/${machine.id}/paths/exists`, { paths: ['/srv', ' /srv ', '/none', ' '] }), { exists: { '/srv': true, '/none': false } })
        assert.deepEqual(await web.post(`/api/machines/${machine.id}/spawn`, { directory: '/srv', model: 'opus' }), { type: 'success', sessionId: 'the-child' })
        assert.deepEqual(spawn, { type: 'spawn-in-directory', directory: '/srv', agent: 'claude', model: 'opus', forkSession: false })
    })

    it('serve a terminal between a page and a CLI', async () => {
        const session = await cli.createSession()
        const shell = await cli.attach(session.id)
        const page = await cli.connect({ namespace: '/terminal', token: web.token, transports: ['polling', 'websocket'] })
        const names = { sessionId: session.id, terminalId: 'terminal-1' }
        page.emit('terminal:create', { ...names, cols: 80, rows: 24 })
        assert.deepEqual(await received(shell, 'terminal:open'), { ...names, cols: 80, rows: 24 })
        shell.emit('terminal:ready', names)
        assert.deepEqual(await received(page, 'terminal:ready'), names)
        page.emit('terminal:write', { terminalId: 'terminal-1', data: 'ls\n' })
        assert.deepEqual(await received(shell, 'terminal:write'), { ...names, data: 'ls\n' })
        shell.emit('terminal:output', { ...names, data: 'files' })
        assert.deepEqual(await received(page, 'terminal:output'), { ...names, data: 'files' })
        page.disconnect()
        shell.emit('terminal:output', { ...names, data: ' and more' })
        await barrier(shell)

        const again = await cli.connect({ namespace: '/terminal', token: web.token })
        again.emit('terminal:create', { ...names, cols: 100, rows: 30 })
        assert.equal((await received(again, 'terminal:output')).data, 'files and more')
        await received(shell, 'terminal:open', ({ cols }) => cols === 100)
        shell.disconnect()
        assert.deepEqual(await received(again, 'terminal:error'), { terminalId: 'terminal-1', message: 'CLI disconnected.' })
        again.emit('terminal:create', { sessionId: 'none', terminalId: 'terminal-2', cols: 80, rows: 24 })
        assert.equal((await received(again, 'terminal:error', ({ terminalId }) => terminalId === 'terminal-2')).message, 'Session is inactive or unavailable.')
    })
})
