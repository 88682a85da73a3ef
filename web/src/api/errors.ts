/** What can go wrong with a call to the hub, in words a person can use. */
import type { Decision } from './types'

/** The hub answered, and refused. */
export class HubError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code?: string,
    readonly retryAfterSeconds?: number,
    readonly winner?: Decision,
    /** The session that took in the one that was asked for. */
    readonly movedTo?: string,
  ) {
    super(message)
    this.name = 'HubError'
  }
}

/** The hub could not be reached at all. */
export class HubAway extends Error {
  constructor() {
    super('The hub cannot be reached.')
    this.name = 'HubAway'
  }
}

/** Builds the error of a refused call from its response and parsed body. */
export function refusal(response: Response, body: unknown): HubError {
  const fields = isObject(body) ? body : {}
  const error = typeof fields.error === 'string' ? fields.error : `The hub answered ${response.status}.`
  const code = typeof fields.code === 'string' ? fields.code : undefined
  const winner = isObject(fields.winner) ? (fields.winner as unknown as Decision) : undefined
  const movedTo = typeof fields.movedTo === 'string' ? fields.movedTo : undefined
  return new HubError(response.status, error, code, retryAfter(response), winner, movedTo)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong.'
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('Retry-After') ?? '')
  return seconds > 0 ? Math.ceil(seconds) : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
