/** The cached reads. Events keep them current, so nothing is ever read on a timer. */
import { QueryClient, queryOptions } from '@tanstack/react-query'
import { Live } from '../live/live'
import { type Decisions, type Held, reduce } from '../live/reduce'
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

/** What the stream has told of decisions since the page was opened; there is nothing to read, so nothing may be dropped. */
export function decisionsQuery(id: string) {
  return queryOptions({
    queryKey: keys.decisions(id),
    queryFn: (): Decisions => queries.getQueryData(keys.decisions(id)) ?? {},
    initialData: {} as Decisions,
    gcTime: Number.POSITIVE_INFINITY,
  })
}

queries.setQueryDefaults(['decisions'], { gcTime: Number.POSITIVE_INFINITY })

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
