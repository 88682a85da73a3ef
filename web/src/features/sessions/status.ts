/** The one state of a session that a row and a header show, with its cause and since when. */
import type { Contact } from '../../api/types'

export interface StatusFacts {
  active: boolean
  thinking: boolean
  activeAt: number
  updatedAt: number
  activeTurnStartedAt?: number | null | undefined
  contact?: Contact | undefined
  pending: { tool: string; kind: 'permission' | 'input'; since: number }[]
}

export interface Status {
  kind: 'waiting' | 'lost' | 'working' | 'idle' | 'offline'
  text: string
  cause?: string
  since?: number | undefined
}

/** What a person can act on comes first; without contact nothing else is certain. */
export function statusOf(facts: StatusFacts): Status {
  if (!facts.active) return { kind: 'offline', text: 'offline', since: facts.activeAt || facts.updatedAt }
  if (facts.contact?.state === 'lost') return { kind: 'lost', text: 'no contact', since: facts.contact.since }
  const first = facts.pending[0]
  if (first) return { kind: 'waiting', text: 'waiting for you', cause: askedFor(first), since: first.since }
  if (facts.thinking) return { kind: 'working', text: 'working', since: facts.activeTurnStartedAt ?? undefined }
  return { kind: 'idle', text: 'idle', since: facts.updatedAt }
}

function askedFor({ tool, kind }: StatusFacts['pending'][number]): string {
  if (kind === 'permission') return tool
  return /plan/i.test(tool) ? 'plan' : 'question'
}
