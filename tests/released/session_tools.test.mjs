// What a page reads from and does on the machine of a session: git, files, commands, uploads, the terminal.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { io } from 'socket.io-client'
import { Scene } from './support/scene.mjs'
import { until, within } from './support/until.mjs'

describe('tools of a session', { timeout: 180_000 }, () => {
    let scene, web, id
    const read = (rest) => web.get(`/api/sessions/${id}/${rest}`)

    before(async () => {
        scene = await Scene.open()
        web = scene.web
        id = await scene.spawn()
        // Methods are registered one by one after the first heartbeat.
        await until('registered methods', async () => (await read('skills')).success)
    })

    after(async () => scene?.close())

    it('shows the state of the repository', async () => {
        fs.appendFileSync(path.join(scene.host.project, 'README.md'), 'second line\n')
        fs.writeFileSync(path.join(scene.host.project, 'new file.txt'), 'x\n')
        const status = await read('git-status')
        assert.equal(status.success, true)
        assert.match(status.stdout, /^# branch\.head main$/m)
        assert.match(status.stdout, /^1 \.M .* README\.md$/m)
        assert.match(status.stdout, /^\? new file\.txt$/m)
        const numbers = await read('git-diff-numstat')
        assert.match(numbers.stdout, /^1\t0\tREADME\.md$/m)
        assert.equal((await read('git-diff-numstat?staged=true')).stdout, '')
        assert.match((await read('git-diff-file?path=README.md')).stdout, /^\+second line$/m)
    })

    it('reads files and folders inside the project only', async () => {
        const file = await read('file?path=src%2Fneedle.txt')
        assert.equal(Buffer.from(file.content, 'base64').toString(), 'thread\n')
        assert.equal(file.size, 7)
        const { entries } = await read('directory?path=')
        assert.deepEqual(entries.filter(({ name }) => ['src', 'README.md'].includes(name)).map(({ name, type }) => [name, type]).sort(), [['README.md', 'file'], ['src', 'directory']])
        assert.deepEqual((await read('directory?path=src')).entries.map(({ name }) => name), ['needle.txt'])
        assert.equal((await read('file?path=..%2Fhome%2F.claude.json')).success, false)
        const nameless = await web.call('GET', `/api/sessions/${id}/file`)
        assert.deepEqual([nameless.status, nameless.body], [400, { error: 'Invalid file path' }])
    })

    it('finds files by name', async () => {
        const { files } = await read('files?query=NEEDLE&limit=5')
        assert.deepEqual(files.map(({ fileName, filePath, fullPath, size }) => ({ fileName, filePath, fullPath, size })), [{ fileName: 'needle.txt', filePath: 'src', fullPath: 'src/needle.txt', size: 7 }])
        assert.deepEqual((await read('files?query=*.txt')).files.map(({ fullPath }) => fullPath).sort(), ['new file.txt', 'src/needle.txt'])
        assert.deepEqual((await read('files?query=no-such-file')).files, [])
    })

    it('lists commands and skills', async () => {
        const { commands } = await read('slash-commands')
        assert.deepEqual(commands.find(({ name }) => name === 'tidy')?.source, 'user')
        assert.ok(commands.some(({ source }) => source === 'builtin'))
        assert.equal(new Set(commands.map(({ name }) => name)).size, commands.length)
        const { skills } = await read('skills')
        assert.deepEqual(skills.find(({ name }) => name === 'greeting'), { name: 'greeting', description: 'Greets people.' })
    })

    it('takes an upload, hands it to the agent, and removes it', async () => {
        const attachment = await scene.attach(id, 'note.txt', 'attached words\n')
        assert.equal(fs.readFileSync(attachment.path, 'utf8'), 'attached words\n')
        const localId = await web.prompt(id, '[[say got the note]]', { attachments: [attachment] })
        await scene.row(id, 'got the note')
        const row = (await web.rows(id)).find((entry) => entry.localId === localId)
        assert.deepEqual(row.content.content.attachments, [attachment])
        const [asked] = scene.model.turns('got the note')
        const heard = JSON.stringify(asked.messages)
        assert.ok(heard.includes(attachment.path))
        assert.ok(heard.includes('attached words'), 'the agent has not read the file')
        assert.deepEqual(await web.post(`/api/sessions/${id}/upload/delete`, { path: attachment.path }), { success: true })
        assert.ok(!fs.existsSync(attachment.path))
    })

    it('opens a terminal in the project', async () => {
        const socket = io(`${scene.hub.url}/terminal`, { auth: { token: web.token }, transports: ['polling', 'websocket'], forceNew: true, reconnection: false })
        try {
            let screen = ''
            const errors = []
            const terminalId = randomUUID()
            const mine = (handler) => (event) => { if (event.terminalId === terminalId) handler(event) }
            let ready
            const isReady = new Promise((resolve) => { ready = resolve })
            socket.on('terminal:ready', mine(ready))
            socket.on('terminal:output', mine(({ data }) => { screen += data }))
            socket.on('terminal:error', mine(({ message }) => errors.push(message)))
            await within('terminal socket', new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject)))
            socket.emit('terminal:create', { sessionId: id, terminalId, cols: 100, rows: 30 })
            assert.equal((await within('ready terminal', isReady)).sessionId, id)
            const type = async (line, pattern) => {
                socket.emit('terminal:write', { terminalId, data: `${line}\n` })
                await until(`${pattern} on the screen`, () => pattern.test(screen), { deadline: 20_000 })
            }
            await type('echo "in $(pwd) $((40 + 2))"', new RegExp(`in ${scene.host.project} 42`))
            await type('echo "size $(stty size) end"', /size 30 100 end/)
            socket.emit('terminal:resize', { terminalId, cols: 120, rows: 40 })
            await type('echo "size $(stty size) end"', /size 40 120 end/)
            assert.deepEqual(errors, [])

            // A page that comes back gets the same shell and what it has missed.
            await type('kept=alive; echo "set $kept"', /set alive/)
            const again = io(`${scene.hub.url}/terminal`, { auth: { token: web.token }, transports: ['websocket'], forceNew: true, reconnection: false })
            try {
                let replay = ''
                again.on('terminal:output', mine(({ data }) => { replay += data }))
                again.emit('terminal:create', { sessionId: id, terminalId, cols: 120, rows: 40 })
                await until('scrollback', () => replay.includes('set alive'))
                again.emit('terminal:write', { terminalId, data: 'echo "still $kept $((1 + 1))"\n' })
                await until('the same shell', () => replay.includes('still alive 2'))
                again.emit('terminal:close', { terminalId })
                again.emit('terminal:create', { sessionId: id, terminalId: `${terminalId}-2`, cols: 80, rows: 24 })
                const exited = () => again.emit('terminal:write', { terminalId: `${terminalId}-2`, data: 'exit\n' })
                again.on('terminal:ready', exited)
                await within('end of the shell', new Promise((resolve) => again.on('terminal:error', resolve).on('terminal:exit', resolve)))
            } finally {
                again.disconnect()
            }
        } finally {
            socket.disconnect()
        }
    })
})
