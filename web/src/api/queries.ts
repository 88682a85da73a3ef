/** The cached reads. Events keep them current, so nothing is ever read on a timer. */
import { QueryClient, queryOptions } from '@tanstack/react-query'
import { Live } from '../live/live'
import { type Contacts, type Decisions, type Held, reduce, withDecision } from '../live/reduce'
import { type Transcript, withLatest, withOlder } from '../live/transcript'
import { body, hub } from './client'
import { HubError } from './errors'
import { keys } from './keys'
import type { Session, SessionSummary } from './types'

const PAGE_ROWS = 60

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      retry: (count, error) => !(error instanceof HubError && error.status < 500) && count < 2,
    },
    mutations: { retry: false, networkMode: 'always' },
  },
})

export const live = new Live(queries)

export const sessionsQuery = queryOptions({
  queryKey: keys.sessions,
  queryFn: (): Promise<SessionSummary[]> =>
    live.read(
      async () => (await body(hub.GET('/api/sessions'))).sessions,
      (sessions, event) => reduce({ sessions }, event).held.sessions ?? sessions,
    ),
})

export function sessionQuery(id: string) {
  return queryOptions({
    queryKey: keys.session(id),
    queryFn: (): Promise<Session> =>
      live.read(
        async () => (await body(hub.GET('/api/sessions/{id}', { params: { path: { id } } }))).session,
        (session, event) => about(id, event, { session }).session ?? session,
      ),
  })
}

export function transcriptQuery(id: string) {
  return queryOptions({
    queryKey: keys.transcript(id),
    queryFn: (): Promise<Transcript> =>
      live.read(
        async () => {
          const page = await body(
            hub.GET('/api/sessions/{id}/messages', { params: { path: { id }, query: { limit: PAGE_ROWS } } }),
          )
          return withLatest(queries.getQueryData<Transcript>(keys.transcript(id)), page)
        },
        (transcript, event) => about(id, event, { transcript }).transcript ?? transcript,
      ),
  })
}

/** Who decided what in a session, and how far it got. The same read tells of the contact with its agent. */
export function decisionsQuery(id: string) {
  return queryOptions({
    queryKey: keys.decisions(id),
    queryFn: async (): Promise<Decisions> => {
      const { decisions, contacts } = await live.read(
        () => readStatus(id),
        (held, event) => ({ ...held, ...about(id, event, held) }),
      )
      queries.setQueryData<Contacts>(keys.contacts, (known) => ({ ...known, ...contacts }))
      return decisions ?? {}
    },
  })
}

async function readStatus(id: string): Promise<Pick<Held, 'decisions' | 'contacts'>> {
  try {
    const status = await body(hub.GET('/api/sessions/{id}/status', { params: { path: { id } } }))
    return { decisions: status.decisions.reduce(withDecision, {}), contacts: { [id]: status.contact } }
  } catch (error) {
    // Another hub does not keep this.
    if (error instanceof HubError && error.status === 404) return { decisions: {} }
    throw error
  }
}

/** What was told of contact since the page was opened. After a gap all of it may be wrong, and is forgotten. */
export const contactsQuery = queryOptions({
  queryKey: keys.contacts,
  queryFn: (): Contacts => ({}),
  initialData: {} as Contacts,
  gcTime: Number.POSITIVE_INFINITY,
})

queries.setQueryDefaults(keys.contacts, { gcTime: Number.POSITIVE_INFINITY })

/** Puts the next older page in front of the transcript. */
export async function loadOlder(id: string): Promise<void> {
  const older = queries.getQueryData<Transcript>(keys.transcript(id))?.older
  if (!older) return
  const page = await body(
    hub.GET('/api/sessions/{id}/messages', {
      params: { path: { id }, query: { limit: PAGE_ROWS * 2, beforeSeq: older.seq, beforeAt: older.at } },
    }),
  )
  queries.setQueryData<Transcript>(keys.transcript(id), (transcript) => transcript && withOlder(transcript, page))
}

function about(id: string, event: Parameters<typeof reduce>[1], held: Held): Held {
  return 'sessionId' in event && event.sessionId === id ? reduce(held, event).held : held
}
