/** The state of a session as one chip. */
import { useQuery } from '@tanstack/react-query'
import { contactsQuery } from '../../api/queries'
import { useAge } from '../../ui/age'
import { type Status, type StatusFacts, statusOf } from './status'

const TONES: Record<Status['kind'], string> = {
  waiting: 'bg-amber-soft text-amber',
  lost: 'bg-red-soft text-red',
  working: 'bg-green-soft text-green',
  idle: 'bg-raised text-muted',
  offline: 'border border-line text-muted',
}

interface ChipProps {
  id: string
  facts: Omit<StatusFacts, 'contact'>
}

export function StatusChip({ id, facts }: ChipProps) {
  const { data: contact } = useQuery({ ...contactsQuery, select: (contacts) => contacts[id] })
  const status = statusOf({ ...facts, contact })
  const age = useAge(status.since)
  return (
    <span
      className={`inline-flex max-w-full items-center gap-1 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap ${TONES[status.kind]}`}
    >
      {status.kind === 'working' && (
        <span className="size-1.5 motion-safe:animate-pulse rounded-full bg-current" aria-hidden="true" />
      )}
      <span className="truncate">
        {status.text}
        {status.cause && ` · ${status.cause}`}
      </span>
      {age && <span className="shrink-0">{age}</span>}
    </span>
  )
}
