import { expect, test } from 'vitest'
import { forSession } from './for-session'

test.each([
  ['claude', 'Bash', { command: 'npm test' }, { allowTools: ['Bash(npm test)'] }],
  ['claude', 'Edit', { file_path: '/a' }, { allowTools: ['Edit'] }],
  ['codex', 'CodexBash', { command: 'npm test' }, { decision: 'approved_for_session' }],
])('%s is told about %s in its own form', (flavor, tool, input, answer) => {
  expect(forSession(flavor, { tool, arguments: input }).answer).toEqual(answer)
})
