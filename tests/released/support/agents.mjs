// The machine of a developer: own home, own HAPI home, a git project, the released CLI and the agents.
// What the CLI starts detaches itself, so each process carries a mark in its environment and is ended by it.
import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { agentEnvironment, furnishHome } from './home.mjs'
import { binaries, onAbruptEnd, temporaryFolder } from './hub.mjs'
import { Terminal } from './terminal.mjs'
import { until } from './until.mjs'

const MARK = 'WHEELHOUSE_TEST_MARK'

export class AgentHost {
    #forget

    constructor({ hub, model, namespace }) {
        this.mark = randomUUID()
        this.root = temporaryFolder('host')
        this.project = path.join(this.root, 'project')
        for (const name of ['home', 'hapi', 'tmp', 'project']) fs.mkdirSync(path.join(this.root, name))
        this.environment = {
            [MARK]: this.mark,
            HOME: path.join(this.root, 'home'),
            HAPI_HOME: path.join(this.root, 'hapi'),
            TMPDIR: path.join(this.root, 'tmp'),
            PATH: [binaries, path.dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(path.delimiter),
            SHELL: '/bin/bash',
            TERM: 'xterm-256color',
            LANG: 'C.UTF-8',
            CLI_API_TOKEN: namespace ? `${hub.token}:${namespace}` : hub.token,
            HAPI_API_URL: hub.url,
            ...agentEnvironment(model)
        }
        furnishHome(this.environment.HOME, { project: this.project, model })
        this.#furnish()
        this.#forget = onAbruptEnd(() => this.#kill())
    }

    #furnish() {
        fs.mkdirSync(path.join(this.project, 'src'))
        fs.writeFileSync(path.join(this.project, 'README.md'), 'first line\n')
        fs.writeFileSync(path.join(this.project, 'src/needle.txt'), 'thread\n')
        this.git('init', '-q')
        this.git('add', '-A')
        this.git('commit', '-q', '-m', 'Begin')
    }

    git(...args) {
        return execFileSync('git', args, { cwd: this.project, env: this.environment, encoding: 'utf8' })
    }

    #start(name, command, args, cwd) {
        const log = fs.openSync(path.join(this.root, `${name}.log`), 'a')
        const child = spawn(command, args, { cwd, env: this.environment, stdio: ['pipe', log, log] })
        child.on('error', () => {})
        fs.closeSync(log)
        return child
    }

    /** Runs `hapi` on a screen of its own, as a developer in a terminal does. */
    openTerminal(name, ...args) {
        return Terminal.open(this, name, [path.join(binaries, 'hapi'), ...args])
    }

    /** Runs the runner in the foreground and waits until the hub lists its machine. */
    async startRunner(web) {
        const child = this.#start('runner', path.join(binaries, 'hapi'), ['runner', 'start-sync'], this.root)
        return until('machine of the runner', async () => {
            if (child.exitCode !== null) throw new Error(`the runner ended: ${this.log('runner')}`)
            const { machines } = await web.get('/api/machines')
            return machines.find((machine) => machine.metadata?.happyHomeDir === this.environment.HAPI_HOME && machine.runnerState?.status === 'running')
        }, { deadline: 40_000 })
    }

    log(name) {
        return fs.readFileSync(path.join(this.root, `${name}.log`), 'utf8').slice(-4000)
    }

    /** Process ids that carry this host's mark, whoever started them. */
    processes() {
        return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
            try {
                return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${MARK}=${this.mark}`)
            } catch {
                return false
            }
        }).map(Number)
    }

    #kill() {
        const left = this.processes()
        for (const pid of left) {
            try { process.kill(pid, 'SIGKILL') } catch { /* ended meanwhile */ }
        }
        return left
    }

    /** Ends exactly the marked processes and waits until none is left. */
    async close() {
        await until('end of all agent processes', () => this.#kill().length === 0)
        this.#forget()
        if (!process.env.KEEP_FOLDERS) fs.rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    }
}
