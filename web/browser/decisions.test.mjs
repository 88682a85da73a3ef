/** What agents ask, and how people decide it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { released, until } from './hub.mjs'
import { LONG_COMMAND, PHONE, Stage } from './stage.mjs'

const stage = Stage.open()

describe('decisions', () => {
  test('approve and deny reach the agent, and the card says how it ended', async () => {
    const cli = await stage.startCli({ name: 'Decide' })
    const { page, close } = await stage.openChat(cli)
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
    const cli = await stage.startCli({ name: 'Questions' })
    const { page, close } = await stage.openChat(cli)
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
    assert.deepEqual(decision.answers, { 0: ['Postgres'], 1: ['Lint', 'Types'] })
    await cli.close('q1', 'approved')
    await close()
  })

  test('two browsers decide at once and both show the same end', async () => {
    const cli = await stage.startCli({ name: 'Race' })
    const one = await stage.openChat(cli)
    const two = await stage.openChat(cli, { viewport: PHONE })
    await cli.ask('r1', 'Bash', { command: 'make deploy' })
    const approve = one.page.getByRole('button', { name: 'Approve' })
    const deny = two.page.getByRole('button', { name: 'Deny' })
    await Promise.all([approve.waitFor(), deny.waitFor()])
    await sendTogether(one.page, two.page)
    await Promise.all([approve.click(), deny.click()])
    const first = await until('one decision arrives', () => cli.decisions[0])
    if (!released) {
      const [winner, loser] = first.approved ? [one.page, two.page] : [two.page, one.page]
      const told = first.approved ? 'Approved (Chrome on Linux' : 'Denied (Chrome on Android'
      await winner.getByText(`${told}, 127.0.0.1). Waiting for the agent to go on.`, { exact: true }).waitFor()
      await loser.getByText(`Someone was faster: ${told}, 127.0.0.1).`).waitFor()
      await loser.reload()
      await loser.getByText(`${told}, 127.0.0.1). Waiting for the agent to go on.`).waitFor()
      assert.equal(cli.decisions.length, 1)
    }
    await cli.close('r1', first.approved ? 'approved' : 'denied')
    const end = first.approved ? /^Bash · Approved/ : /^Bash · Denied/
    await Promise.all([one.page.getByText(end).waitFor(), two.page.getByText(end).waitFor()])
    await one.close()
    await two.close()
  })

  test('the inbox shows what waits and empties itself', async () => {
    const cli = await stage.startCli({ name: 'Inbox story' })
    const { page, close } = await stage.openPage({ viewport: PHONE })
    await cli.ask('r1', 'Bash', { command: LONG_COMMAND })
    await page.getByText(LONG_COMMAND).waitFor()
    await page.getByRole('article', { name: 'Request: Bash' }).getByRole('button', { name: 'Deny' }).click()
    await until('the denial arrives', () => cli.decisions.length === 1)
    await cli.close('r1', 'denied')
    await page.getByText('Nothing waits for you.').waitFor()
    await close()
  })

  test('the inbox is worked through by keys', async () => {
    const first = await stage.startCli({ name: 'Keys, first' })
    const second = await stage.startCli({ name: 'Keys, second' })
    await first.ask('r1', 'Bash', { command: 'make one' })
    await second.ask('r2', 'Bash', { command: 'make two' })
    const { page, close } = await stage.openPage()
    await page.getByText('make two').waitFor()
    await page.keyboard.press('a')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('d')
    const denied = await until('the denial arrives', () => second.decisions[0])
    assert.equal(denied.approved, false)
    await second.close('r2', 'denied')
    await page.getByText(/^Bash · Denied/).waitFor()
    await page.keyboard.press('k')
    await page.keyboard.press('a')
    const approved = await until('the approval arrives', () => first.decisions[0])
    assert.equal(approved.approved, true)
    assert.equal(first.decisions.length, 1)
    await first.close('r1', 'approved')
    await close()
  })

  test('a yes for the whole session says what it allows', async () => {
    const cli = await stage.startCli({ name: 'For the session' })
    const { page, close } = await stage.openChat(cli)
    await cli.ask('r1', 'Bash', { command: 'npm test' })
    await page.getByRole('button', { name: 'Allow this command for this session' }).click()
    const decision = await until('the approval arrives', () => cli.decisions[0])
    assert.deepEqual(decision, { id: 'r1', approved: true, allowTools: ['Bash(npm test)'] })
    await cli.close('r1', 'approved')
    await close()
  })

  test('who looks elsewhere is told in a line that covers nothing and leads there', async () => {
    const [here, there] = [await stage.startCli({ name: 'Here' }), await stage.startCli({ name: 'There' })]
    const { page, close } = await stage.openChat(here)
    const notice = (about) => page.getByRole('status').getByRole('link', { name: `Permission Request ${about} (Bash)` })
    await there.ask('r1', 'Bash', { command: 'make deploy' })
    await notice('There').waitFor()
    const [line, main] = await Promise.all([notice('There').boundingBox(), page.getByRole('main').boundingBox()])
    assert.ok(line.y + line.height <= main.y, 'the line has a row of its own')
    await notice('There').click()
    await page.getByRole('main').getByText('make deploy').waitFor()
    await notice('There').waitFor({ state: 'detached' })
    await here.ask('r2', 'Bash', { command: 'make clean' })
    await notice('Here').waitFor()
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await notice('Here').waitFor({ state: 'detached' })
    await close()
  })
})

/** Holds the answers of both pages back until both were given. */
async function sendTogether(...pages) {
  const held = []
  for (const page of pages) {
    await page.route('**/permissions/**', (route) => {
      held.push(route)
      if (held.length === pages.length) for (const each of held) void each.continue()
    })
  }
}
