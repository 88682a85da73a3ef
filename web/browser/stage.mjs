/** What browser tests share: one hub, one Chromium, pages that fail on anything unexpected, scripted agents. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { after, before } from 'node:test'
import axe from 'axe-core'
import { chromium } from 'playwright-core'
import { Cli } from './cli.mjs'
import { Hub } from './hub.mjs'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
export const WIDE = { width: 1280, height: 800 }
export const PHONE = { width: 390, height: 844 }
const PHONE_AGENT =
  'Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36'
export const shots = process.env.SHOTS_DIR ?? path.resolve(import.meta.dirname, '../node_modules/.shots')
export const LONG_COMMAND = `rm -rf dist && npm ci && npm run build -- --mode production && rsync -a --delete dist/ deploy@shop.example:/srv/www/shop/releases/2026-11-20/ && ssh deploy@shop.example 'ln -sfn /srv/www/shop/releases/2026-11-20 /srv/www/shop/current && systemctl reload caddy'`

/** Everything that the tests of one file run with; it starts before them and ends after them. */
export class Stage {
  #browser
  #clis = []

  static open(startHub = Hub.start) {
    const stage = new Stage()
    before(async () => {
      await mkdir(shots, { recursive: true })
      stage.hub = await startHub()
      stage.#browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        args: FLAGS,
      })
    })
    after(async () => {
      for (const cli of stage.#clis) cli.stop()
      await stage.#browser?.close()
      await stage.hub?.stop()
    })
    return stage
  }

  async startCli(metadata) {
    const cli = await Cli.start(this.hub, metadata)
    this.#clis.push(cli)
    return cli
  }

  /** A page that fails its test on any script error, broken policy or request to another host. */
  async openPage({ viewport = WIDE, colorScheme = 'light', signedIn = true, hub = this.hub } = {}) {
    const phone = viewport === PHONE && { hasTouch: true, userAgent: PHONE_AGENT }
    const context = await this.#browser.newContext({ viewport, colorScheme, ...phone })
    const page = await context.newPage()
    const wrong = []
    page.on('pageerror', (error) => wrong.push(String(error)))
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) wrong.push(message.text())
    })
    page.on('request', (request) => {
      if (new URL(request.url()).host !== new URL(hub.url).host) wrong.push(`request to ${request.url()}`)
      if (request.url().includes('token=') && request.resourceType() !== 'document') wrong.push('token in an address')
    })
    if (signedIn) {
      await page.goto(`${hub.url}/?token=${hub.token}`)
      await page.getByRole('heading', { name: 'Inbox' }).waitFor()
    }
    return { page, wrong, close: () => context.close() }
  }

  async openChat({ id }, options) {
    const opened = await this.openPage(options)
    await opened.page.goto(`${this.hub.url}/sessions/${id}`)
    await opened.page.getByLabel('Message').waitFor()
    return opened
  }
}

/** No rule of WCAG A and AA that a program can check is broken. */
export async function checkAccess(page) {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
  )
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)
  assert.deepEqual(found, [])
}
