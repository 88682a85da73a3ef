/** Every page in both sizes and both themes: access rules, and pictures to look at. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkAccess, LONG_COMMAND, PHONE, Stage, shots, WIDE } from './stage.mjs'

const stage = Stage.open()

describe('pictures', () => {
  test('both sizes and both themes', async () => {
    const cli = await stage.startCli({
      name: 'Add rate limiting to the checkout service',
      worktree: { basePath: '/home/dev/shop', branch: 'feature/rate-limit', name: 'rate-limit' },
    })
    const other = await stage.startCli({
      path: '/home/dev/docs',
      flavor: 'codex',
      summary: { text: 'Rewrite the guide', updatedAt: 1 },
    })
    other.setThinking(true)
    await tellStory(cli)
    for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE })) {
      for (const colorScheme of ['light', 'dark']) {
        const { page, wrong, close } = await stage.openChat(cli, { viewport, colorScheme })
        await page.getByText('The limiter counts per customer').waitFor()
        await page.getByText(LONG_COMMAND).waitFor()
        await page.getByRole('table').waitFor()
        await checkAccess(page)
        await page.screenshot({ path: `${shots}/chat-${size}-${colorScheme}.png` })
        await page.getByTestId('transcript').hover()
        await page.mouse.wheel(0, -700)
        await page.getByText('Limit the checkout').waitFor()
        await page.screenshot({ path: `${shots}/chat-up-${size}-${colorScheme}.png` })
        await page.goto(`${stage.hub.url}/sessions`)
        await page.getByText('Rewrite the guide').waitFor()
        await checkAccess(page)
        await page.screenshot({ path: `${shots}/sessions-${size}-${colorScheme}.png` })
        await page.goto(stage.hub.url)
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
