import { cleanup, render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { aDecision } from '../../testing/records'
import { RequestCard } from './request-card'
import type { RequestView } from './use-requests'

const posts: { path: string; body: unknown }[] = []
let answer: () => Response

beforeEach(() => {
  posts.length = 0
  answer = () => Response.json({ ok: true, delivery: 'sent' })
  localStorage.setItem('wheelhouse.token', 'base')
  vi.spyOn(window, 'fetch').mockImplementation(async (input) => {
    const request = input instanceof Request ? input : new Request(new URL(String(input), location.href))
    const { pathname } = new URL(request.url)
    if (pathname === '/api/auth') return Response.json({ token: 'bearer' })
    posts.push({ path: pathname, body: await request.json() })
    return answer()
  })
})

afterEach(cleanup)

function view(tool: string, args: unknown, fields: Partial<RequestView> = {}): RequestView {
  const request = { tool, arguments: args, createdAt: 1 }
  return {
    id: 'r:1',
    key: 'r:1@1',
    flavor: 'claude',
    request,
    decision: undefined,
    completed: undefined,
    gone: false,
    ...fields,
  }
}

test('the whole command is on the card, and an approval is only called sent', async () => {
  const command = `echo ${'x'.repeat(500)}`
  render(<RequestCard sessionId="s" view={view('Bash', { command })} />)
  screen.getByText(command)
  await userEvent.click(screen.getByRole('button', { name: 'Approve' }))
  await screen.findByText(/Sent: approve/)
  expect(posts).toEqual([{ path: '/api/sessions/s/permissions/r%3A1/approve', body: {} }])
  expect(screen.getByRole('button', { name: 'Approve' })).toHaveProperty('disabled', true)
})

test('an answer for the whole session names what it allows', async () => {
  render(<RequestCard sessionId="s" view={view('Bash', { command: 'npm test' })} />)
  await userEvent.click(screen.getByRole('button', { name: 'Allow this command for this session' }))
  await screen.findByText(/Sent: approve/)
  expect(posts[0]?.body).toEqual({ allowTools: ['Bash(npm test)'] })
})

test('an answer that the hub keeps is not called delivered', async () => {
  answer = () => Response.json({ ok: true, delivery: 'pending' })
  render(<RequestCard sessionId="s" view={view('Bash', { command: 'ls' })} />)
  await userEvent.click(screen.getByRole('button', { name: 'Approve' }))
  await screen.findByText('Sent: approve. The hub keeps it until the agent is back.')
})

test('answers of Claude go by the place of the question', async () => {
  const questions = [
    { question: 'Which store?', options: [{ label: 'SQLite' }] },
    { question: 'Which colour?', options: [{ label: 'Blue' }] },
  ]
  render(<RequestCard sessionId="s" view={view('AskUserQuestion', { questions })} />)
  await userEvent.click(screen.getByLabelText('SQLite'))
  await userEvent.click(screen.getByRole('button', { name: 'Next' }))
  await userEvent.click(screen.getByLabelText('Blue'))
  await userEvent.click(screen.getByRole('button', { name: 'Answer' }))
  await screen.findByText(/Sent/)
  expect(posts[0]?.body).toEqual({ answers: { 0: ['SQLite'], 1: ['Blue'] } })
})

test('a lost race names the winner', async () => {
  const winner = aDecision({ state: 'delivered' })
  answer = () => Response.json({ error: 'already decided', code: 'already_decided', winner }, { status: 409 })
  render(<RequestCard sessionId="s" view={view('Bash', { command: 'ls' })} />)
  await userEvent.click(screen.getByRole('button', { name: 'Deny' }))
  await screen.findByText(/Someone was faster: Approved \(Chrome on Android, 10.0.0.7\)/)
})

test('an answer that did not get through leaves the choice open', async () => {
  answer = () => new Response('Internal Server Error', { status: 500 })
  render(<RequestCard sessionId="s" view={view('Bash', { command: 'ls' })} />)
  await userEvent.click(screen.getByRole('button', { name: 'Deny' }))
  await screen.findByText(/Not sent/)
  await waitFor(() => expect(screen.getByRole('button', { name: 'Deny' })).toHaveProperty('disabled', false))
})

test('an own answer to a question is sent in the shape that its tool reads', async () => {
  const questions = [{ id: 'store', question: 'Which store?', options: [{ label: 'SQLite' }] }]
  render(<RequestCard sessionId="s" view={view('request_user_input', { questions })} />)
  await userEvent.type(screen.getByLabelText('Other answer'), 'Redis')
  await userEvent.click(screen.getByRole('button', { name: 'Answer' }))
  await screen.findByText(/Sent/)
  expect(posts[0]?.body).toEqual({ answers: { store: { answers: ['Redis'] } } })
})

test('a closed request is one line', () => {
  const completed = { tool: 'Bash', arguments: {}, status: 'denied' as const }
  render(<RequestCard sessionId="s" view={view('Bash', {}, { completed, gone: true })} />)
  screen.getByText(/Denied/)
  expect(screen.queryByRole('button')).toBeNull()
})
