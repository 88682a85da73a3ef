/** Prompts that the agent has not taken: on the hub, or still here. */
import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { body, hub } from '../../api/client'
import { messageOf } from '../../api/errors'
import type { Message } from '../../api/types'
import { Button } from '../../ui/button'
import { textOf } from '../chat/timeline'
import { outbox, type Unsent } from './outbox'

export function QueuedRow({ sessionId, message }: { sessionId: string; message: Message }) {
  const params = { path: { id: sessionId, messageId: message.id } }
  const cancel = useMutation({
    mutationFn: () => body(hub.DELETE('/api/sessions/{id}/messages/{messageId}', { params })),
  })
  const retry = useMutation({
    mutationFn: () => body(hub.POST('/api/sessions/{id}/messages/{messageId}/retry', { params })),
  })
  const error = cancel.error ?? retry.error
  const uncertain = message.deliveryState === 'indeterminate'
  const busy = cancel.data?.status === 'busy'
  return (
    <Row text={textOf(message)} state={error ? messageOf(error) : stateOf(message, busy)}>
      {uncertain && (
        <Button tone="quiet" disabled={retry.isPending} onClick={() => retry.mutate()}>
          Try again
        </Button>
      )}
      <Button tone="quiet" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
        Cancel
      </Button>
    </Row>
  )
}

export function UnsentRow({ entry }: { entry: Unsent }) {
  return (
    <Row text={entry.text} state={UNSENT[entry.state](entry)}>
      {(entry.state === 'refused' || entry.state === 'waiting') && (
        <>
          <Button tone="quiet" onClick={() => outbox.retry(entry.localId)}>
            Try again
          </Button>
          <Button tone="quiet" onClick={() => outbox.remove(entry.localId)}>
            Remove
          </Button>
        </>
      )}
    </Row>
  )
}

const UNSENT: Record<Unsent['state'], (entry: Unsent) => string> = {
  sending: () => 'Sending…',
  taken: () => 'On the hub',
  waiting: () => 'Kept here; it is sent when the hub and the agent are back.',
  refused: (entry) => `Not sent. ${entry.error ?? ''}`,
}

function stateOf(message: Message, busy: boolean): string {
  if (message.deliveryState === 'indeterminate') return 'It is not certain that the agent got this.'
  if (busy) return 'The agent may already have this.'
  if (typeof message.scheduledAt === 'number') {
    return `Scheduled for ${new Date(message.scheduledAt).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' })}`
  }
  return 'Queued for the agent'
}

function Row({ text, state, children }: { text: string; state: string; children?: ReactNode }) {
  return (
    <div className="flex justify-end">
      <div className="max-w-[85%] rounded-2xl rounded-br-md border border-dashed border-accent px-4 pt-2 pb-1">
        <p className="break-words whitespace-pre-wrap">
          <span className="sr-only">You: </span>
          {text}
        </p>
        <div className="flex flex-wrap items-center justify-end gap-x-1 text-sm text-muted">
          <span role="status" className="mr-auto py-1 pr-2">
            {state}
          </span>
          {children}
        </div>
      </div>
    </div>
  )
}
