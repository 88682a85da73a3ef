/**
 * Holds who we are: the access token in local storage, the short-lived bearer in memory.
 * Renewal happens before a call that would go out with an old bearer, and once after a refused one.
 */
import { HubAway, HubError, refusal } from './errors'

const STORAGE_KEY = 'wheelhouse.token'
const RENEW_BEFORE_MS = 60_000

interface Bearer {
  token: string
  renewAt: number
}

interface Parts {
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  fetch: typeof fetch
  now: () => number
}

export class Auth {
  #bearer: Bearer | undefined
  #renewal: Promise<string> | undefined
  #listeners = new Set<() => void>()
  #refused: string | undefined

  constructor(private readonly parts: Parts) {}

  get signedIn(): boolean {
    return this.parts.storage.getItem(STORAGE_KEY) !== null
  }

  /** Why the last sign-in ended without the person asking for it. */
  get refused(): string | undefined {
    return this.#refused
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Keeps the token only when the hub accepts it. */
  async signIn(accessToken: string): Promise<void> {
    this.#bearer = await this.#exchange(accessToken.trim())
    this.parts.storage.setItem(STORAGE_KEY, accessToken.trim())
    this.#refused = undefined
    this.#changed()
  }

  signOut(reason?: string): void {
    this.#bearer = undefined
    this.parts.storage.removeItem(STORAGE_KEY)
    this.#refused = reason
    this.#changed()
  }

  /** A bearer that is good for now; `stale` is one that the hub has just refused. */
  bearer(stale?: string): Promise<string> {
    const held = this.#bearer
    if (held && held.token !== stale && this.parts.now() < held.renewAt) return Promise.resolve(held.token)
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined
    })
    return this.#renewal
  }

  async #renew(): Promise<string> {
    const accessToken = this.parts.storage.getItem(STORAGE_KEY)
    if (!accessToken) throw new HubError(401, 'You are signed out.')
    try {
      this.#bearer = await this.#exchange(accessToken)
      return this.#bearer.token
    } catch (error) {
      if (error instanceof HubError && error.status === 401) this.signOut('The hub no longer accepts this token.')
      throw error
    }
  }

  async #exchange(accessToken: string): Promise<Bearer> {
    const response = await this.parts
      .fetch('/api/auth', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ accessToken }),
      })
      .catch(() => {
        throw new HubAway()
      })
    const body: unknown = await response.json().catch(() => undefined)
    if (!response.ok) throw refusal(response, body)
    const token = (body as { token: string }).token
    return { token, renewAt: this.parts.now() + bearerLifeMs(token) - RENEW_BEFORE_MS }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Life of a bearer by the hub's clock alone, so that a wrong clock in the browser cannot make it look expired. */
export function bearerLifeMs(token: string): number {
  try {
    const payload = token.split('.')[1] ?? ''
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as { iat?: number; exp?: number }
    if (claims.exp === undefined || claims.iat === undefined) return Number.POSITIVE_INFINITY
    return Math.max((claims.exp - claims.iat) * 1000, 2 * RENEW_BEFORE_MS)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Takes `token` out of an address, and says what the address is without it. */
export function takeToken(address: string): { token: string | null; address: string } {
  const url = new URL(address)
  const token = url.searchParams.get('token')
  url.searchParams.delete('token')
  return { token: token?.trim() || null, address: url.pathname + url.search + url.hash }
}
