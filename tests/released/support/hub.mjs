// Runs one hub as its own process: ours, or the released one when HUB_KIND=released.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { until, within } from './until.mjs'

const SUITE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const REPOSITORY = path.resolve(SUITE, '../..')
const READY_WITHIN = 30_000
const STOPPED_WITHIN = 20_000

export const kind = process.env.HUB_KIND ?? 'wheelhouse'
export const isWheelhouse = kind === 'wheelhouse'
if (!['wheelhouse', 'released'].includes(kind)) throw new Error(`HUB_KIND is ${kind}; it is wheelhouse or released`)

/** Folder of the programs that npm installed for this suite. */
export const binaries = path.join(SUITE, 'node_modules/.bin')

export async function freePort() {
    const server = net.createServer()
    await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
    const { port } = server.address()
    await new Promise((resolve) => server.close(resolve))
    return port
}

/** A temporary folder with a short path, since unix sockets are made in some of them. */
export function temporaryFolder(name) {
    return fs.mkdtempSync(path.join(os.tmpdir(), `whr-${name}-`))
}

function command(home, port) {
    if (isWheelhouse) {
        const program = process.env.WHEELHOUSE_BIN ?? path.join(REPOSITORY, 'target/debug/wheelhouse')
        return [program, ['hub', '--home', home, '--port', String(port)]]
    }
    // The script in .bin starts this program and waits for it; a kill must reach the hub itself.
    const program = path.join(SUITE, `node_modules/@twsxtd/hapi-${process.platform}-${process.arch}/bin/hapi`)
    return [program, ['hub', '--no-relay']]
}

const atExit = new Set()

/** Registers an immediate clean-up for a test process that ends before its `after` hooks; returns its removal. */
export function onAbruptEnd(task) {
    atExit.add(task)
    return () => atExit.delete(task)
}
process.on('exit', () => { for (const task of atExit) task() })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

/** Settings of the caller's own hub or agent must not reach the one under test. */
function cleanEnvironment() {
    return Object.fromEntries(Object.entries(process.env).filter(([key]) =>
        !/^(HAPI_|WHEELHOUSE_|CLI_API_TOKEN$|DB_PATH$|CORS_ORIGINS$|NODE_TEST_CONTEXT$)/.test(key)))
}

export class Hub {
    #child = null

    static async start() {
        const hub = new Hub(temporaryFolder('hub'), await freePort())
        try {
            await hub.start()
        } catch (error) {
            await hub.close()
            throw error
        }
        return hub
    }

    constructor(home, port) {
        this.home = home
        this.port = port
        this.url = `http://127.0.0.1:${port}`
        this.logFile = path.join(home, 'test-hub.log')
    }

    get token() {
        return JSON.parse(fs.readFileSync(path.join(this.home, 'settings.json'), 'utf8')).cliApiToken
    }

    get pid() {
        return this.#child.pid
    }

    async start() {
        const [program, args] = command(this.home, this.port)
        const log = fs.openSync(this.logFile, 'a')
        const child = spawn(program, args, {
            stdio: ['ignore', log, log],
            cwd: this.home,
            env: { ...cleanEnvironment(), HOME: this.home, HAPI_HOME: this.home, HAPI_LISTEN_HOST: '127.0.0.1', HAPI_LISTEN_PORT: String(this.port) }
        })
        fs.closeSync(log)
        this.#child = child
        const forget = onAbruptEnd(() => child.kill('SIGKILL'))
        child.ended = new Promise((resolve) => {
            child.once('exit', resolve)
            child.once('error', (error) => { child.failure = error; resolve() })
        }).finally(forget)
        await until(`hub on port ${this.port}`, async () => {
            if (child.failure || child.exitCode !== null) return 'ended'
            return (await fetch(`${this.url}/health`)).ok && 'ready'
        }, { deadline: READY_WITHIN }).then((state) => {
            if (state === 'ended') throw new Error(`the hub ended at start: ${child.failure ?? ''}\n${this.log()}`)
        })
    }

    log() {
        return fs.readFileSync(this.logFile, 'utf8').slice(-4000)
    }

    async #end(signal) {
        const child = this.#child
        if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return
        process.kill(child.pid, signal)
        await within(`end of the hub after ${signal}`, child.ended, STOPPED_WITHIN)
    }

    /** Ends the hub as an operator does. */
    async stop() {
        try {
            await this.#end('SIGTERM')
        } catch (error) {
            await this.#end('SIGKILL')
            throw error
        }
    }

    /** Ends the hub as a power cut does. */
    async kill() {
        await this.#end('SIGKILL')
    }

    async close() {
        await this.stop()
        if (!process.env.KEEP_FOLDERS) fs.rmSync(this.home, { recursive: true, force: true })
    }
}
