// A screen of its own for a program that is meant for a person: tmux shows it, and its keys are pressed through tmux.
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { until } from './until.mjs'

export class Terminal {
    #run

    /** Runs `hapi` with these arguments in the project, on a screen that is called `name`. */
    static open(host, name, command) {
        const terminal = new Terminal()
        const socket = path.join(host.root, 'tmux')
        terminal.name = name
        terminal.#run = (...args) => execFileSync('tmux', ['-u', '-f', '/dev/null', '-S', socket, ...args], { env: host.environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
        // What the program said last stays to be read when it has ended.
        terminal.#run('new-session', '-d', '-s', name, '-x', '160', '-y', '50', '-c', host.project, 'bash', '--norc')
        terminal.#run('set-option', '-t', name, 'remain-on-exit', 'on')
        terminal.#run('respawn-pane', '-k', '-t', name, ...command)
        return terminal
    }

    /** What is on the screen now. */
    screen() {
        return this.#run('capture-pane', '-p', '-t', this.name)
    }

    press(...keys) {
        this.#run('send-keys', '-t', this.name, ...keys)
    }

    waitFor(what, pattern, deadline = 40_000) {
        return until(`${what} on the screen`, () => pattern.test(this.screen()), { deadline }).catch((error) => {
            throw new Error(`${error.message}; it shows\n${this.screen()}`, { cause: error })
        })
    }

    /** Types a line at the agent's prompt once it is there. */
    async type(text) {
        await this.waitFor('a prompt', /❯|›/)
        this.press('-l', text)
        await this.waitFor('the typed text', new RegExp(text.replace(/[^\w ]/g, '\\$&')))
        this.press('Enter')
    }

    /** Takes the screen away, as closing the window does. */
    close() {
        this.#run('kill-session', '-t', this.name)
    }
}
