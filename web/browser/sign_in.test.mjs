/** Signing in, and what the first screens cost. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { TOKEN } from './hub.mjs'
import { checkAccess, Stage, shots } from './stage.mjs'

const stage = Stage.open()

describe('sign in', () => {
  test('a wrong token is explained and the right one opens the inbox', async () => {
    const { page, wrong, close } = await stage.openPage({ signedIn: false })
    await page.goto(stage.hub.url)
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
    const { page, close } = await stage.openPage()
    assert.equal(page.url(), `${stage.hub.url}/`)
    await close()
  })

  test('a hub without sessions says how to start the first one', async () => {
    const { page, close } = await stage.openPage()
    const commands = page.getByText('npx @twsxtd/hapi claude')
    await commands.waitFor()
    assert.match(await commands.innerText(), new RegExp(`export HAPI_API_URL=${stage.hub.url}\n`))
    await checkAccess(page)
    await page.screenshot({ path: `${shots}/no-sessions-wide.png` })
    await close()
  })

  test('the first screen is small and makes few requests', async () => {
    const { page, close } = await stage.openPage({ signedIn: false })
    const answers = []
    page.on('response', (response) => answers.push(response))
    await page.goto(stage.hub.url)
    await page.getByText(/The hub at .* answers/).waitFor()
    await page.waitForLoadState('networkidle')
    await checkBudget(answers)
    await close()
  })

  test('the inbox opens within the same budget', async () => {
    const { page: first, close } = await stage.openPage()
    const page = await first.context().newPage()
    const answers = []
    page.on('response', (response) => answers.push(response))
    await page.goto(stage.hub.url)
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
