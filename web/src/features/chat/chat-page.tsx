/** One session: its transcript, what it asks, and the composer. */
import { useQuery } from '@tanstack/react-query'
import { Link, Navigate, useParams } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo } from 'react'
import { HubError, messageOf } from '../../api/errors'
import { loadOlder, sessionQuery, transcriptQuery } from '../../api/queries'
import type { Session } from '../../api/types'
import type { Transcript } from '../../live/transcript'
import { Button } from '../../ui/button'
import { Composer } from '../composer/composer'
import { outbox, useOutbox } from '../composer/outbox'
import { QueuedRow, UnsentRow } from '../composer/queue-rows'
import { RequestCard } from '../requests/request-card'
import { useRequests } from '../requests/use-requests'
import { titleOf } from '../sessions/list'
import { ChatHeader } from './chat-header'
import { buildTimeline, queuedRows } from './timeline'
import { TranscriptView } from './transcript-view'

export default function ChatPage() {
  const { sessionId } = useParams({ from: '/sessions/$sessionId' })
  const session = useQuery(sessionQuery(sessionId))
  const transcript = useQuery(transcriptQuery(sessionId))
  const error = session.error ?? transcript.error
  if (session.data && transcript.data) {
    return <Chat key={sessionId} session={session.data} transcript={transcript.data} />
  }
  if (!error) {
    return (
      <p role="status" className="m-auto text-muted">
        Loading…
      </p>
    )
  }
  const gone = error instanceof HubError && error.status === 404
  const movedTo = session.error instanceof HubError ? session.error.movedTo : undefined
  if (movedTo !== undefined) return <Navigate to="/sessions/$sessionId" params={{ sessionId: movedTo }} replace />
  return (
    <div className="m-auto p-4 text-center">
      <p role="alert">{gone ? 'This session does not exist any more.' : messageOf(error)}</p>
      <p className="mt-3 flex justify-center gap-2">
        {!gone && (
          <Button
            onClick={() => {
              void session.refetch()
              void transcript.refetch()
            }}
          >
            Try again
          </Button>
        )}
        <Link to="/sessions" className="inline-flex min-h-11 items-center px-4 text-accent underline">
          All sessions
        </Link>
      </p>
    </div>
  )
}

function Chat({ session, transcript }: { session: Session; transcript: Transcript }) {
  const { id, agentState } = session
  const { messages } = transcript
  const blocks = useMemo(() => buildTimeline(messages, agentState), [messages, agentState])
  const requests = useRequests(session)
  const unsent = useUnsent(id, messages)
  const queued = useMemo(() => queuedRows(messages), [messages])
  const older = useCallback(() => loadOlder(id), [id])
  useTitle(titleOf(session))

  const tail = [
    ...queued.map((message) => ({ key: `queued:${message.id}`, node: <QueuedRow sessionId={id} message={message} /> })),
    ...unsent.map((entry) => ({ key: `unsent:${entry.localId}`, node: <UnsentRow entry={entry} /> })),
  ]
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <ChatHeader session={session} />
      {blocks.length === 0 && tail.length === 0 ? (
        <p className="m-auto p-4 text-center text-muted">Nothing was said yet. Write the first message below.</p>
      ) : (
        <TranscriptView blocks={blocks} hasOlder={transcript.older !== null} loadOlder={older} tail={tail} />
      )}
      {requests.length > 0 && (
        <div className="mx-auto max-h-[55dvh] w-full max-w-3xl shrink-0 space-y-2 overflow-y-auto px-4 py-2">
          {requests.map((view) => (
            <RequestCard key={view.key} sessionId={id} view={view} />
          ))}
        </div>
      )}
      <Composer session={session} />
    </div>
  )
}

/** Own prompts that the hub has not shown back yet. */
function useUnsent(sessionId: string, messages: Transcript['messages']) {
  const entries = useOutbox(sessionId)
  const stored = useMemo(() => new Set(messages.map((message) => message.localId)), [messages])
  useEffect(() => {
    for (const entry of entries) if (stored.has(entry.localId)) outbox.remove(entry.localId)
  }, [entries, stored])
  return entries.filter((entry) => !stored.has(entry.localId))
}

function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Wheelhouse`
    return () => {
      document.title = 'Wheelhouse'
    }
  }, [title])
}
