/** A real agent: the released runner and Claude Code with a scripted model, steered from the page alone. */
import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before, describe, test } from 'node:test'
import { AgentHost } from '../../tests/released/support/agents.mjs'
import { freePort, Hub, temporaryFolder } from '../../tests/released/support/hub.mjs'
import { Scene } from '../../tests/released/support/scene.mjs'
import { startModel } from '../../tests/released/support/scripted_model.mjs'
import { Web } from '../../tests/released/support/web.mjs'
import { until, webDist } from './hub.mjs'
import { checkAccess, PHONE, Stage, shots, WIDE } from './stage.mjs'

const scene = new Scene()
const stage = Stage.open(startScene)

/** A scene whose hub serves the page of this folder. */
async function startScene() {
  try {
    await openScene()
  } catch (error) {
    await scene.close()
    throw error
  }
  return { url: scene.hub.url, token: scene.hub.token, stop: () => scene.close() }
}

async function openScene() {
  scene.model = await startModel()
  scene.hub = new Hub(temporaryFolder('hub'), await freePort())
  writeFileSync(path.join(scene.hub.home, 'wheelhouse.toml'), `[web]\ndir = ${JSON.stringify(webDist)}\n`)
  await scene.hub.start()
  scene.web = await Web.signIn(scene.hub)
  scene.host = new AgentHost(scene)
  scene.machine = await scene.host.startRunner(scene.web)
}

describe('a real agent session', { timeout: 180_000 }, () => {
  let id
  let page
  const file = (name) => path.join(scene.host.project, name)
  const request = () => page.getByRole('article', { name: /^Request/ })

  async function say(text) {
    await page.getByLabel('Message').fill(text)
    await page.getByLabel('Message').press('Enter')
  }

  before(async () => {
    id = await scene.spawn()
    const opened = await stage.openChat({ id })
    page = opened.page
  })

  test('its answer is seen live', async () => {
    await say('[[say hello from the model]]')
    await page.getByText('hello from the model', { exact: true }).waitFor()
  })

  test('a command runs after a click, and its card is completed', async () => {
    await say('[[bash touch x.txt]]')
    await request().getByText('touch x.txt', { exact: true }).waitFor()
    assert.equal(existsSync(file('x.txt')), false)
    await request().getByRole('button', { name: 'Approve' }).click()
    await page.getByText(/^tool said:/).waitFor()
    await page.getByRole('button', { name: /^Bash touch x.txt\s*Done$/ }).waitFor()
    await page.getByText(/^Bash · Approved \(Chrome on Linux/).waitFor()
    assert.equal(existsSync(file('x.txt')), true)
  })

  test('a denied command does not run', async () => {
    await say('[[bash touch denied.txt]]')
    await request().getByRole('button', { name: 'Deny' }).click()
    await page.getByRole('button', { name: /^Bash touch denied.txt\s*Denied$/ }).waitFor()
    assert.equal(existsSync(file('denied.txt')), false)
  })

  test('a command that is allowed for the session is not asked for again', async () => {
    await say('[[bash touch y.txt]]')
    await request().getByRole('button', { name: 'Allow this command for this session' }).click()
    await until('the command has run', () => existsSync(file('y.txt')))
    await until('the agent rests', async () => !(await scene.web.session(id)).thinking)
    rmSync(file('y.txt'))
    await say('[[bash touch y.txt]]')
    await until('the command has run again', () => existsSync(file('y.txt')))
    assert.equal(await request().count(), 0)
  })

  test('a question is answered by a click, and the agent reads the answer', async () => {
    await say('[[ask]]')
    await page.getByLabel(/Blue/).check()
    await page.getByRole('button', { name: 'Answer' }).click()
    await page.getByText(/^tool said:.*Blue/).waitFor()
    await page.getByRole('button', { name: /^Question Which colour\?\s*Done$/ }).waitFor()
  })

  test('pictures in both sizes and both themes', async () => {
    await say('[[bash git log --stat > history.txt]]')
    await request().waitFor()
    for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
      for (const colorScheme of ['light', 'dark']) {
        const opened = await stage.openChat({ id }, { viewport, colorScheme })
        await opened.page.getByRole('article').getByText('git log --stat > history.txt').waitFor()
        await checkAccess(opened.page)
        await opened.page.screenshot({ path: `${shots}/agent-${size}-${colorScheme}.png` })
        assert.deepEqual(opened.wrong, [])
        await opened.close()
      }
    }
  })
})
