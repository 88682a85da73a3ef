/** The typed client. Every call carries the bearer, renews it once when refused, and throws `HubError` or `HubAway`. */
import createClient from 'openapi-fetch'
import { Auth } from './auth'
import { HubAway, refusal } from './errors'
import type { paths } from './schema'

export const auth = new Auth({
  storage: window.localStorage,
  fetch: (input, init) => window.fetch(input, init),
  now: Date.now,
})

/** `fetch` with the bearer in its header; the event stream uses it too. */
export async function fetchSigned(request: Request): Promise<Response> {
  const retry = request.clone()
  const bearer = await auth.bearer()
  const first = await send(request, bearer)
  if (first.status !== 401) return first
  return send(retry, await auth.bearer(bearer))
}

async function send(request: Request, bearer: string): Promise<Response> {
  request.headers.set('Authorization', `Bearer ${bearer}`)
  try {
    return await window.fetch(request)
  } catch (error) {
    if (request.signal.aborted) throw error
    throw new HubAway()
  }
}

export const hub = createClient<paths>({ baseUrl: window.location.origin, fetch: fetchSigned })

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The body of an answer, or the error that the hub gave. */
export async function body<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer
  if (!response.ok || data === undefined) throw refusal(response, error)
  return data
}
