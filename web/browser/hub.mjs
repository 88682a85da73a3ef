/** Starts a hub on loopback in a temporary folder: ours, or the released one behind a static server for this build. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

export const TOKEN = 'browser-test-token-0123456789abcdef'
export const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

export const webDist = path.resolve(import.meta.dirname, '../../web-dist')
export const released = process.env.HUB_KIND === 'released'
const binary = process.env.WHEELHOUSE_BIN ?? path.resolve(import.meta.dirname, '../../target/debug/wheelhouse')
const UP_WITHIN_MS = 30_000

export class Hub {
  #home
  #process
  #pages
  port = 0
  #hubPort = 0
  token = TOKEN

  static async start() {
    const hub = new Hub()
    hub.#home = await mkdtemp(path.join(tmpdir(), 'wheelhouse-browser-'))
    hub.#hubPort = await freePort()
    await hub.up()
    hub.port = hub.#hubPort
    if (released) {
      hub.#pages = servePages(hub.#hubPort)
      hub.#pages.listen(0, '127.0.0.1')
      await once(hub.#pages, 'listening')
      hub.port = hub.#pages.address().port
    }
    return hub
  }

  /** Where browsers go. */
  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  /** Where agents go. */
  get hubUrl() {
    return `http://127.0.0.1:${this.#hubPort}`
  }

  async up() {
    const [command, args] = released
      ? [process.execPath, [process.env.HAPI_BIN, 'hub']]
      : [binary, ['hub', '--home', this.#home, '--port', String(this.#hubPort)]]
    const env = { ...process.env, CLI_API_TOKEN: TOKEN, WHEELHOUSE__WEB__DIR: webDist }
    if (released) Object.assign(env, { HAPI_HOME: this.#home, HAPI_LISTEN_PORT: String(this.#hubPort) })
    // Its own group, because a launcher may sit between us and the hub.
    this.#process = spawn(command, args, { env, stdio: 'ignore', detached: true })
    await once(this.#process, 'spawn')
    process.once('exit', () => this.#end())
    await until('the hub answers', async () => (await fetch(`${this.hubUrl}/health`)).ok)
  }

  async down() {
    const ended = once(this.#process, 'exit')
    this.#end()
    await ended
    await until('the port is free', async () => {
      await fetch(`${this.hubUrl}/health`).then(
        () => Promise.reject(new Error('still up')),
        () => {},
      )
      return true
    })
  }

  #end() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    process.kill(-this.#process.pid, 'SIGTERM')
  }

  async stop() {
    await this.down()
    this.#pages?.closeAllConnections()
    this.#pages?.close()
    await rm(this.#home, { recursive: true, force: true })
  }
}

/** Waits for a state, never for a time. */
export async function until(what, check, withinMs = UP_WITHIN_MS) {
  const deadline = Date.now() + withinMs
  for (;;) {
    try {
      const value = await check()
      if (value) return value
    } catch {
      // Not yet.
    }
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

const TYPES = { '.css': 'text/css', '.js': 'text/javascript', '.html': 'text/html', '.svg': 'image/svg+xml' }

function servePages(hubPort) {
  return createServer(async (incoming, outgoing) => {
    const { pathname } = new URL(incoming.url, 'http://localhost')
    if (pathname.startsWith('/api/') || pathname === '/health') return forward(incoming, outgoing, hubPort)
    const file = path.join(webDist, pathname)
    const known = await stat(file).then(
      (entry) => entry.isFile(),
      () => false,
    )
    const served = known ? file : path.join(webDist, 'index.html')
    outgoing.writeHead(200, { 'Content-Type': TYPES[path.extname(served)], 'Content-Security-Policy': POLICY })
    createReadStream(served).pipe(outgoing)
  })
}

function forward(incoming, outgoing, port) {
  const { method, url, headers } = incoming
  const outward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers)
    outgoing.flushHeaders()
    answer.pipe(outgoing)
    answer.on('error', () => outgoing.destroy())
  })
  outward.on('error', () => outgoing.destroy())
  outgoing.on('close', () => outward.destroy())
  incoming.pipe(outward)
}

async function freePort() {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
