import { describe, expect, test } from 'vitest'
import { aSummary } from '../../testing/records'
import { groupByFolder, titleOf, visible } from './list'
import { statusOf } from './status'

describe('titles', () => {
  test.each([
    [{ path: '/a/shop', flavor: null, name: 'Named', summary: { text: 'Told' } }, 'Named'],
    [{ path: '/a/shop', flavor: null, name: ' ', summary: { text: 'Told' } }, 'Told'],
    [{ path: '/a/shop/', flavor: null }, 'shop'],
    [null, '01234567'],
  ])('%j', (metadata, title) => {
    expect(titleOf(aSummary({ id: '0123456789', metadata }))).toBe(title)
  })
})

test('folders keep a worktree with its project, and what waits comes first', () => {
  const worktree = { basePath: '/a/shop', branch: 'b', name: 'w' }
  const groups = groupByFolder([
    aSummary({ id: 'old', updatedAt: 1, active: false }),
    aSummary({ id: 'docs', updatedAt: 9, metadata: { path: '/a/docs', flavor: null } }),
    aSummary({ id: 'plain', updatedAt: 5, metadata: { path: '/a/shop', flavor: null } }),
    aSummary({ id: 'asks', updatedAt: 2, metadata: { path: '/w/1', flavor: null, worktree }, pendingRequestsCount: 1 }),
  ])
  expect(groups.map(({ name, rows }) => [name, rows.map((row) => row.id)])).toEqual([
    ['shop', ['asks', 'plain']],
    ['docs', ['docs']],
    ['shop', ['old']],
  ])
})

test('search needs every word, in any of the shown facts', () => {
  const rows = [
    aSummary({ id: 'one', metadata: { path: '/a/shop', name: 'Limiter', flavor: 'codex' } }),
    aSummary({ id: 'two', metadata: { path: '/a/shop', name: 'Guide', flavor: 'claude' } }),
  ]
  expect(visible(rows, 'SHOP codex').map((row) => row.id)).toEqual(['one'])
})

test('an empty offline session that nobody can come back to is left out', () => {
  expect(visible([aSummary({ active: false, hasConversationContent: false })], '')).toEqual([])
})

describe('the one state', () => {
  const facts = { active: true, thinking: true, activeAt: 1, updatedAt: 2, activeTurnStartedAt: 3, pending: [] }
  const pending = [{ tool: 'Bash', kind: 'permission' as const, since: 4 }]
  test.each([
    [
      { ...facts, active: false, pending },
      { kind: 'offline', since: 1 },
    ],
    [
      { ...facts, contact: { state: 'lost' as const, since: 9 }, pending },
      { kind: 'lost', since: 9 },
    ],
    [
      { ...facts, pending },
      { kind: 'waiting', cause: 'Bash', since: 4 },
    ],
    [facts, { kind: 'working', since: 3 }],
    [
      { ...facts, thinking: false },
      { kind: 'idle', since: 2 },
    ],
  ])('%#', (given, status) => {
    expect(statusOf(given)).toMatchObject(status)
  })
})
