/** Where a person writes to the agent, and stops it. */
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { SendHorizontal, Square } from 'lucide-react'
import { type KeyboardEvent, useLayoutEffect, useRef } from 'react'
import { body, hub } from '../../api/client'
import { messageOf } from '../../api/errors'
import type { Session } from '../../api/types'
import { Button, IconButton } from '../../ui/button'
import { agentName } from '../sessions/flavors'
import { useDraft } from './draft'
import { outbox } from './outbox'

export function Composer({ session }: { session: Session }) {
  return (
    <div className="safe-bottom safe-x border-t border-line bg-surface">
      <div className="mx-auto w-full max-w-3xl px-4 py-2">
        {session.active ? <Editor session={session} /> : <Offline sessionId={session.id} />}
      </div>
    </div>
  )
}

function Editor({ session }: { session: Session }) {
  const [text, setText] = useDraft(session.id)
  const area = useRef<HTMLTextAreaElement>(null)
  const stop = useMutation({
    mutationFn: () => body(hub.POST('/api/sessions/{id}/abort', { params: { path: { id: session.id } } })),
  })

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const box = area.current
    if (!box) return
    box.style.height = 'auto'
    box.style.height = `${box.scrollHeight + 2}px`
  }, [text])

  function send(): void {
    if (!text.trim()) return
    outbox.send(session.id, text.trim())
    setText('')
    area.current?.focus()
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }

  return (
    <>
      {stop.error && (
        <p role="alert" className="pb-2 text-sm text-red">
          The agent could not be told to stop. {messageOf(stop.error)}
        </p>
      )}
      <form
        className="flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault()
          send()
        }}
      >
        <textarea
          ref={area}
          rows={1}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
          aria-label="Message"
          placeholder={`Message ${agentName(session.metadata?.flavor)}`}
          enterKeyHint="send"
          className="max-h-[40dvh] min-h-11 min-w-0 flex-1 resize-none rounded-xl border border-line bg-page px-3 py-2.5 text-base leading-6 placeholder:text-muted"
        />
        {session.thinking && (
          <IconButton label="Stop the agent" tone="danger" disabled={stop.isPending} onClick={() => stop.mutate()}>
            <Square className="size-4 fill-current" aria-hidden="true" />
          </IconButton>
        )}
        <IconButton label="Send" type="submit" tone="primary" disabled={!text.trim()}>
          <SendHorizontal className="size-5" aria-hidden="true" />
        </IconButton>
      </form>
    </>
  )
}

function Offline({ sessionId }: { sessionId: string }) {
  const navigate = useNavigate()
  const resume = useMutation({
    mutationFn: () => body(hub.POST('/api/sessions/{id}/resume', { params: { path: { id: sessionId } } })),
    onSuccess: (answer) => navigate({ to: '/sessions/$sessionId', params: { sessionId: answer.sessionId } }),
  })
  return (
    <div className="flex flex-wrap items-center justify-between gap-2">
      <p className="min-w-0 text-sm text-muted">
        {resume.error ? <span role="alert">{messageOf(resume.error)}</span> : 'This session is offline.'}
      </p>
      <Button disabled={resume.isPending} onClick={() => resume.mutate()}>
        {resume.isPending ? 'Resuming…' : 'Resume'}
      </Button>
    </div>
  )
}
