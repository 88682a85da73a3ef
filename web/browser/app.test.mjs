/** The app in a real browser against a real hub and a scripted agent. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import axe from 'axe-core'
import { chromium } from 'playwright-core'
import { Cli } from './cli.mjs'
import { Hub, TOKEN, until } from './hub.mjs'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const WIDE = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }
const shots = process.env.SHOTS_DIR ?? path.resolve(import.meta.dirname, '../node_modules/.shots')
const LONG_COMMAND = `rm -rf dist && npm ci && npm run build -- --mode production && rsync -a --delete dist/ deploy@shop.example:/srv/www/shop/releases/2026-11-20/ && ssh deploy@shop.example 'ln -sfn /srv/www/shop/releases/2026-11-20 /srv/www/shop/current && systemctl reload caddy'`

let browser
let hub
const clis = []

before(async () => {
  await mkdir(shots, { recursive: true })
  hub = await Hub.start()
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
})

after(async () => {
  for (const cli of clis) cli.stop()
  await browser?.close()
  await hub?.stop()
})

async function startCli(metadata) {
  const cli = await Cli.start(hub, metadata)
  clis.push(cli)
  return cli
}

/** A page that fails its test on any script error, broken policy or request to another host. */
async function openPage({ viewport = WIDE, colorScheme = 'light', signedIn = true } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, hasTouch: viewport === PHONE })
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
    await page.goto(`${hub.url}/?token=${TOKEN}`)
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
  }
  return { page, wrong, close: () => context.close() }
}

async function openChat(cli, options) {
  const opened = await openPage(options)
  await opened.page.goto(`${hub.url}/sessions/${cli.id}`)
  await opened.page.getByLabel('Message').waitFor()
  return opened
}

/** No rule of WCAG A and AA that a program can check is broken. */
async function checkAccess(page) {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
  )
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)
  assert.deepEqual(found, [])
}

describe('sign in', () => {
  test('a wrong token is explained and the right one opens the inbox', async () => {
    const { page, wrong, close } = await openPage({ signedIn: false })
    await page.goto(hub.url)
    await page.getByText(/The hub at .* answers/).waitFor()
    await checkAccess(page)
    await page.screenshot({ path: `${shots}/sign-in-wide.png` })
    await page.getByLabel('Access token').fill('not-the-token')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('This is not the token of this hub.').waitFor()
    await page.getByLabel('Access token').fill(TOKEN)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Inbox' }).waitFor()
    assert.deepEqual(wrong, [])
    await close()
  })

  test('a token in the address is taken once and leaves the address', async () => {
    const { page, close } = await openPage()
    assert.equal(page.url(), `${hub.url}/`)
    await close()
  })

  test('the first screen is small and makes few requests', async () => {
    const { page, close } = await openPage({ signedIn: false })
    const answers = []
    page.on('response', (response) => answers.push(response))
    await page.goto(hub.url)
    await page.getByText(/The hub at .* answers/).waitFor()
    await page.waitForLoadState('networkidle')
    await checkBudget(answers)
    await close()
  })

  test('the inbox opens within the same budget', async () => {
    const { page: first, close } = await openPage()
    const page = await first.context().newPage()
    const answers = []
    page.on('response', (response) => answers.push(response))
    await page.goto(hub.url)
    await page.getByText('Nothing waits for you.').waitFor()
    await checkBudget(answers)
    await close()
  })
})

/** At most 12 requests and 200 KB, compressed; the event stream has no end to measure. */
async function checkBudget(answers) {
  const whole = answers.filter((answer) => !answer.url().includes('/api/events'))
  const sizes = await Promise.all(whole.map(async (answer) => gzipSync(await answer.body(), { level: 9 }).length))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (process.env.SHOW_BUDGET) console.log(`${answers.length} requests, ${total} bytes`)
  assert.ok(answers.length <= 12, `${answers.length} requests`)
  assert.ok(total < 200_000, `${total} bytes`)
}

describe('a session', () => {
  test('a session and its live messages appear without reload', async () => {
    const { page, wrong, close } = await openPage()
    const cli = await startCli({ name: 'Add rate limiting to the checkout service' })
    await page
      .getByRole('link', { name: /Add rate limiting to the checkout service/ })
      .first()
      .click()
    await page.getByLabel('Message').waitFor()
    cli.say('I read the **router** and found `limit()`.')
    await page.locator('strong', { hasText: 'router' }).waitFor()
    cli.callTool('t1', 'Bash', { command: 'npm test' })
    await page.getByRole('button', { name: /Bash npm test/ }).waitFor()
    cli.endTool('t1', '12 passed')
    await page.getByRole('button', { name: /Bash npm test/ }).click()
    await page.getByText('12 passed').waitFor()
    cli.message({ role: 'agent', content: { type: 'never-seen', data: { secret: 1 } } })
    await page.getByText('A record this page cannot show').waitFor()
    assert.deepEqual(wrong, [])
    await close()
  })

  test('a prompt reaches the agent once and stays queued until it is taken', async () => {
    const cli = await startCli({ name: 'Prompts' })
    const { page, close } = await openChat(cli)
    await page.getByLabel('Message').fill('first line')
    await page.getByLabel('Message').press('Shift+Enter')
    await page.getByLabel('Message').pressSequentially('second line')
    await page.getByLabel('Message').press('Enter')
    await page.getByText('Queued for the agent').waitFor()
    const prompt = await until('the agent gets the prompt', () => cli.prompts[0])
    assert.equal(prompt.text, 'first line\nsecond line')
    cli.consume([prompt.localId])
    await page.getByText('Queued for the agent').waitFor({ state: 'detached' })
    await page.getByText('first line').waitFor()
    assert.equal(cli.prompts.length, 1)
    await close()
  })

  test('a queued prompt can be cancelled', async () => {
    const cli = await startCli({ name: 'Cancel' })
    const { page, close } = await openChat(cli)
    await page.getByLabel('Message').fill('never mind')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Queued for the agent').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('never mind').waitFor({ state: 'detached' })
    await close()
  })

  test('a working agent can be stopped', async () => {
    const cli = await startCli({ name: 'Stop' })
    const { page, close } = await openChat(cli)
    cli.setThinking(true)
    await page.getByRole('button', { name: 'Stop the agent' }).click()
    await until('the agent is told', () => cli.aborts === 1)
    cli.setThinking(false)
    await page.getByRole('button', { name: 'Stop the agent' }).waitFor({ state: 'detached' })
    await close()
  })

  test('a draft survives a reload', async () => {
    const cli = await startCli({ name: 'Draft' })
    const { page, close } = await openChat(cli)
    await page.getByLabel('Message').fill('half a thought')
    await page.reload()
    await page.getByLabel('Message').waitFor()
    assert.equal(await page.getByLabel('Message').inputValue(), 'half a thought')
    await close()
  })

  test('older messages load on the way up, and the chat opens at the newest', async () => {
    const cli = await startCli({ name: 'Long history' })
    for (let number = 1; number <= 300; number += 1) cli.say(`Paragraph ${number}.`)
    const { page, close } = await openChat(cli)
    await page.getByText('Paragraph 300.', { exact: true }).waitFor()
    const transcript = page.getByTestId('transcript')
    await transcript.hover()
    await until('the first paragraph', async () => {
      await page.mouse.wheel(0, -2_000)
      return page.getByText('Paragraph 1.', { exact: true }).isVisible()
    })
    const nodes = await page.evaluate(() => document.querySelectorAll('*').length)
    assert.ok(nodes < 1_500, `${nodes} nodes`)
    await page.getByRole('button', { name: 'Go to the newest' }).click()
    await page.getByText('Paragraph 300.', { exact: true }).waitFor()
    await close()
  })
})

describe('an ended session', () => {
  test('it can be resumed from its page, and says so when it is deleted', async () => {
    const cli = await startCli({ name: 'Ended' })
    cli.say('Goodbye.')
    const { page, close } = await openChat(cli)
    await page.getByText('Goodbye.').waitFor()
    await cli.end()
    await page.getByRole('button', { name: 'Resume' }).waitFor()
    await page
      .getByText(/^offline/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('alert').waitFor()
    await deleteSession(cli.id)
    await page.getByText('This session does not exist any more.').waitFor()
    await close()
  })
})

async function deleteSession(id) {
  const signIn = await fetch(`${hub.hubUrl}/api/auth`, { method: 'POST', body: JSON.stringify({ accessToken: TOKEN }) })
  const { token } = await signIn.json()
  const headers = { Authorization: `Bearer ${token}` }
  const deleted = await fetch(`${hub.hubUrl}/api/sessions/${id}`, { method: 'DELETE', headers })
  assert.equal(deleted.status, 200)
}

describe('decisions', () => {
  test('approve and deny reach the agent, and the card says how it ended', async () => {
    const cli = await startCli({ name: 'Decide' })
    const { page, close } = await openChat(cli)
    await cli.ask('r1', 'Bash', { command: LONG_COMMAND })
    await page.getByText(LONG_COMMAND).waitFor()
    await page.getByRole('button', { name: 'Approve' }).click()
    const approved = await until('the approval arrives', () => cli.decisions[0])
    assert.deepEqual(approved, { id: 'r1', approved: true })
    await cli.close('r1', 'approved')
    await page.getByText(/Approved/).waitFor()
    await cli.ask('r2', 'Write', { file_path: '/etc/hosts', content: '127.0.0.1 shop\n' })
    await page.getByRole('button', { name: 'Deny' }).click()
    const denied = await until('the denial arrives', () => cli.decisions[1])
    assert.deepEqual(denied, { id: 'r2', approved: false })
    await cli.close('r2', 'denied')
    await page.getByText(/Denied/).waitFor()
    await close()
  })

  test('questions are answered in steps', async () => {
    const cli = await startCli({ name: 'Questions' })
    const { page, close } = await openChat(cli)
    const option = (label) => ({ label, description: `${label} it is` })
    await cli.ask('q1', 'AskUserQuestion', {
      questions: [
        { question: 'Which store?', header: 'Store', options: [option('SQLite'), option('Postgres')] },
        { question: 'Which checks?', header: 'Checks', multiSelect: true, options: [option('Lint'), option('Types')] },
      ],
    })
    await page.getByLabel(/Postgres/).check()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel(/Lint/).check()
    await page.getByLabel(/Types/).check()
    await page.getByRole('button', { name: 'Answer' }).click()
    const decision = await until('the answers arrive', () => cli.decisions[0])
    assert.deepEqual(decision.answers, { 'Which store?': ['Postgres'], 'Which checks?': ['Lint', 'Types'] })
    await cli.close('q1', 'approved')
    await close()
  })

  test('two browsers decide at once and both show the same end', async () => {
    const cli = await startCli({ name: 'Race' })
    const one = await openChat(cli)
    const two = await openChat(cli, { viewport: PHONE })
    await cli.ask('r1', 'Bash', { command: 'make deploy' })
    const approve = one.page.getByRole('button', { name: 'Approve' })
    const deny = two.page.getByRole('button', { name: 'Deny' })
    await Promise.all([approve.waitFor(), deny.waitFor()])
    await Promise.all([approve.click(), deny.click()])
    const first = await until('one decision arrives', () => cli.decisions[0])
    await cli.close('r1', first.approved ? 'approved' : 'denied')
    const end = first.approved ? /^Bash · Approved/ : /^Bash · Denied/
    await Promise.all([one.page.getByText(end).waitFor(), two.page.getByText(end).waitFor()])
    await one.close()
    await two.close()
  })

  test('the inbox shows what waits and empties itself', async () => {
    const cli = await startCli({ name: 'Inbox story' })
    const { page, close } = await openPage({ viewport: PHONE })
    await cli.ask('r1', 'Bash', { command: LONG_COMMAND })
    await page.getByText(LONG_COMMAND).waitFor()
    await page.getByRole('article', { name: 'Request: Bash' }).getByRole('button', { name: 'Deny' }).click()
    await until('the denial arrives', () => cli.decisions.length === 1)
    await cli.close('r1', 'denied')
    await page.getByText('Nothing waits for you.').waitFor()
    await close()
  })
})

describe('the connection', () => {
  test('a hub restart needs no reload, and what was written meanwhile is sent once', async () => {
    const cli = await startCli({ name: 'Restart' })
    const { page, close } = await openChat(cli)
    await hub.down()
    await page.getByText(/No connection to the hub/).waitFor()
    await page.getByLabel('Message').fill('sent while away')
    await page.getByLabel('Message').press('Enter')
    await page.getByText('Kept here').waitFor()
    await hub.up()
    await until('the agent is linked again', () => cli.socket.connected)
    await page.getByText(/No connection to the hub/).waitFor({ state: 'detached', timeout: 40_000 })
    const prompt = await until('the prompt arrives', () => cli.prompts[0])
    assert.equal(prompt.text, 'sent while away')
    cli.say('I am back.')
    await page.getByText('I am back.').waitFor()
    assert.equal(cli.prompts.length, 1)
    await close()
  })
})

describe('pictures', () => {
  test('both sizes and both themes', async () => {
    const cli = await startCli({
      name: 'Add rate limiting to the checkout service',
      worktree: { basePath: '/home/dev/shop', branch: 'feature/rate-limit', name: 'rate-limit' },
    })
    const other = await startCli({
      path: '/home/dev/docs',
      flavor: 'codex',
      summary: { text: 'Rewrite the guide', updatedAt: 1 },
    })
    other.setThinking(true)
    await tellStory(cli)
    for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
      for (const colorScheme of ['light', 'dark']) {
        const { page, wrong, close } = await openChat(cli, { viewport, colorScheme })
        await page.getByText('The limiter counts per customer').waitFor()
        await page.getByText(LONG_COMMAND).waitFor()
        await page.getByRole('table').waitFor()
        await checkAccess(page)
        await page.screenshot({ path: `${shots}/chat-${size}-${colorScheme}.png` })
        await page.getByTestId('transcript').hover()
        await page.mouse.wheel(0, -700)
        await page.getByText('Limit the checkout').waitFor()
        await page.screenshot({ path: `${shots}/chat-up-${size}-${colorScheme}.png` })
        await page.goto(`${hub.url}/sessions`)
        await page.getByText('Rewrite the guide').waitFor()
        await checkAccess(page)
        await page.screenshot({ path: `${shots}/sessions-${size}-${colorScheme}.png` })
        await page.goto(hub.url)
        await page.getByText(LONG_COMMAND).waitFor()
        await checkAccess(page)
        await page.screenshot({ path: `${shots}/inbox-${size}-${colorScheme}.png` })
        assert.deepEqual(wrong, [])
        await close()
      }
    }
  })
})

async function tellStory(cli) {
  cli.message({
    role: 'user',
    content: { type: 'text', text: 'Limit the checkout to 5 requests a second per customer, please.' },
    meta: { sentFrom: 'cli' },
  })
  const thinking = { type: 'thinking', thinking: 'The limiter has to sit **before** the session check.' }
  cli.output({ type: 'assistant', message: { content: [thinking] } })
  cli.callTool('s1', 'TodoWrite', {
    todos: [
      { content: 'Read the router', status: 'completed' },
      { content: 'Write the limiter', status: 'in_progress' },
      { content: 'Test it', status: 'pending' },
    ],
  })
  cli.endTool('s1', 'ok')
  cli.callTool('s2', 'Read', { file_path: '/home/dev/shop/src/router.ts' })
  cli.endTool('s2', 'export const router = …')
  cli.callTool('s3', 'Edit', {
    file_path: '/home/dev/shop/src/limiter.ts',
    old_string: 'const limit = 10\nexport { limit }',
    new_string: 'const limit = 5\nconst perMs = 1_000\nexport { limit, perMs }',
  })
  cli.endTool('s3', 'done')
  cli.callTool('s4', 'Bash', { command: 'npm test -- limiter' })
  cli.endTool('s4', 'FAIL src/limiter.test.ts\n  expected 5, got 10', true)
  cli.say(
    'The limiter counts per customer and answers `429` with `Retry-After`.\n\n| route | before | after |\n|---|---|---|\n| `/checkout` | 10/s | 5/s |\n| `/cart` | – | 20/s |\n\n```ts\nexport const limiter = createLimiter({ perSecond: 5, key: (request) => request.customerId })\n```\n\nNext:\n\n1. deploy to staging\n2. watch the error rate',
  )
  await cli.ask('deploy', 'Bash', { command: LONG_COMMAND, description: 'Build and deploy the shop' })
}
