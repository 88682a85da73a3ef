/** Losing the hub or an agent, and coming back. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Hub, released, TOKEN, until } from './hub.mjs'
import { Stage } from './stage.mjs'

const stage = Stage.open()
const ours = { skip: released && 'only our hub can do this' }

describe('the connection', () => {
  test('a hub restart needs no reload, and what was written meanwhile is sent once', async () => {
    const cli = await stage.startCli({ name: 'Restart' })
    const { page, close } = await stage.openChat(cli)
    await stage.hub.down()
    await page.getByText(/No connection to the hub/).waitFor()
    await page.getByLabel('Message').fill('sent while away')
    await page.getByLabel('Message').press('Enter')
    await page.getByText('Kept here').waitFor()
    await stage.hub.up()
    await until('the agent is linked again', () => cli.socket.connected)
    await page.getByText(/No connection to the hub/).waitFor({ state: 'detached', timeout: 40_000 })
    const prompt = await until('the prompt arrives', () => cli.prompts[0])
    assert.equal(prompt.text, 'sent while away')
    cli.say('I am back.')
    await page.getByText('I am back.').waitFor()
    assert.equal(cli.prompts.length, 1)
    await close()
  })

  test('after a hub restart the stream goes on where it was, and nothing is read again', ours, async () => {
    const cli = await stage.startCli({ name: 'Resume' })
    const { page, close } = await stage.openChat(cli)
    cli.say('Before the restart.')
    await page.getByText('Before the restart.').waitFor()
    const requests = []
    page.on('request', (request) => requests.push(request))
    await stage.hub.down()
    await page.getByText(/No connection to the hub/).waitFor()
    await stage.hub.up()
    await until('the agent is linked again', () => cli.socket.connected)
    cli.say('After the restart.')
    await page.getByText('After the restart.').waitFor({ timeout: 40_000 })
    const reads = requests.map((request) => new URL(request.url()).pathname).filter((path) => path !== '/api/events')
    assert.deepEqual(reads, [])
    const lastEventId = requests.at(-1).headers()['last-event-id']
    assert.equal(await resumeOf(lastEventId), 'ok')
    await close()
  })

  test('lost contact is told at once, and again after a reload', ours, async () => {
    const cli = await stage.startCli({ name: 'Contact' })
    const { page, close } = await stage.openChat(cli)
    const header = page.getByRole('main').getByText(/^no contact/)
    const row = page.getByRole('link', { name: /Contact/ }).getByText(/^no contact/)
    cli.leave()
    await header.waitFor({ timeout: 2_000 })
    await row.waitFor()
    await page.reload()
    await Promise.all([header.waitFor(), row.waitFor()])
    cli.comeBack()
    await header.waitFor({ state: 'detached' })
    await close()
  })

  test('a decision made without contact is kept, delivered once and confirmed', ours, async () => {
    const cli = await stage.startCli({ name: 'Away' })
    const { page, close } = await stage.openChat(cli)
    await cli.ask('r1', 'Bash', { command: 'make release' })
    await page.getByText('make release').waitFor()
    cli.leave()
    await page
      .getByText(/^no contact/)
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByText(/The hub keeps it until the agent is back/).waitFor()
    await page.reload()
    await page.getByText(/^Approved \(Chrome on Linux.*The hub keeps it until the agent is back/).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Deny' }).isDisabled(), true)
    cli.comeBack()
    const decision = await until('the decision arrives', () => cli.decisions[0])
    assert.deepEqual(decision, { id: 'r1', approved: true })
    await page.getByText(/Waiting for the agent to go on/).waitFor()
    await cli.close('r1', 'approved')
    await page.getByText(/^Bash · Approved \(Chrome on Linux/).waitFor()
    assert.equal(cli.decisions.length, 1)
    await close()
  })
})

describe('too many wrong tokens', () => {
  test('the page says how long to wait, and the right token still gets in', ours, async () => {
    const hub = await Hub.start()
    try {
      const { page, close } = await stage.openPage({ signedIn: false, hub })
      await page.goto(hub.url)
      await page.getByLabel('Access token').fill('wrong')
      const statuses = []
      while (statuses.at(-1) !== 429 && statuses.length < 100) statuses.push((await signIn(hub, 'wrong')).status)
      assert.equal(statuses.at(-1), 429)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await Promise.all([
        page.getByText(/Too many wrong tokens. Try again in \d+\ss/).waitFor(),
        page.getByRole('button', { name: 'Sign in', disabled: true }).waitFor(),
      ])
      await page.getByLabel('Access token').fill(TOKEN)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('heading', { name: 'Inbox' }).waitFor()
      await close()
    } finally {
      await hub.stop()
    }
  })
})

function signIn(hub, accessToken) {
  return fetch(`${hub.hubUrl}/api/auth`, { method: 'POST', body: JSON.stringify({ accessToken }) })
}

/** What the hub says to a stream that comes back after this event. */
async function resumeOf(lastEventId) {
  const { token } = await (await signIn(stage.hub, TOKEN)).json()
  const headers = { Authorization: `Bearer ${token}`, 'Last-Event-ID': lastEventId }
  const ending = new AbortController()
  const answer = await fetch(`${stage.hub.hubUrl}/api/events?all=true`, { headers, signal: ending.signal })
  let text = ''
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.includes('\n\n')) break
  }
  ending.abort()
  return JSON.parse(text.match(/^data: ?(.*)$/m)[1]).data.resume
}
