/** One session: its messages, prompts and end. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TOKEN, until } from './hub.mjs'
import { Stage } from './stage.mjs'

const stage = Stage.open()

describe('a session', () => {
  test('a session and its live messages appear without reload', async () => {
    const { page, wrong, close } = await stage.openPage()
    const cli = await stage.startCli({ name: 'Add rate limiting to the checkout service' })
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
    const cli = await stage.startCli({ name: 'Prompts' })
    const { page, close } = await stage.openChat(cli)
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
    const cli = await stage.startCli({ name: 'Cancel' })
    const { page, close } = await stage.openChat(cli)
    await page.getByLabel('Message').fill('never mind')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Queued for the agent').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('never mind').waitFor({ state: 'detached' })
    await close()
  })

  test('the page follows a conversation that goes on under another session', async () => {
    const conversation = { name: 'Followed', claudeSessionId: 'one-conversation' }
    const old = await stage.startCli(conversation)
    old.say('Said before it moved.')
    const { page, close } = await stage.openChat(old)
    await page.getByText('Said before it moved.').waitFor()
    await old.end()
    old.stop()
    const next = await stage.startCli(conversation)
    await page.waitForURL(`${stage.hub.url}/sessions/${next.id}`)
    await page.getByText('Said before it moved.').waitFor()
    next.say('Said after it moved.')
    await page.getByText('Said after it moved.').waitFor()
    await close()
  })

  test('a working agent can be stopped', async () => {
    const cli = await stage.startCli({ name: 'Stop' })
    const { page, close } = await stage.openChat(cli)
    cli.setThinking(true)
    await page.getByRole('button', { name: 'Stop the agent' }).click()
    await until('the agent is told', () => cli.aborts === 1)
    cli.setThinking(false)
    await page.getByRole('button', { name: 'Stop the agent' }).waitFor({ state: 'detached' })
    await close()
  })

  test('a draft survives a reload', async () => {
    const cli = await stage.startCli({ name: 'Draft' })
    const { page, close } = await stage.openChat(cli)
    await page.getByLabel('Message').fill('half a thought')
    await page.reload()
    await page.getByLabel('Message').waitFor()
    assert.equal(await page.getByLabel('Message').inputValue(), 'half a thought')
    await close()
  })

  test('older messages load on the way up, and the chat opens at the newest', async () => {
    const cli = await stage.startCli({ name: 'Long history' })
    for (let number = 1; number <= 300; number += 1) cli.say(`Paragraph ${number}.`)
    const { page, close } = await stage.openChat(cli)
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
    const cli = await stage.startCli({ name: 'Ended' })
    cli.say('Goodbye.')
    const { page, close } = await stage.openChat(cli)
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
  const signIn = await fetch(`${stage.hub.hubUrl}/api/auth`, {
    method: 'POST',
    body: JSON.stringify({ accessToken: TOKEN }),
  })
  const { token } = await signIn.json()
  const headers = { Authorization: `Bearer ${token}` }
  const deleted = await fetch(`${stage.hub.hubUrl}/api/sessions/${id}`, { method: 'DELETE', headers })
  assert.equal(deleted.status, 200)
}
