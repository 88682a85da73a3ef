import { describe, expect, test, vi } from 'vitest'
import { Auth, bearerLifeMs, takeToken } from './auth'

function jwt(iat: number, exp: number): string {
  return `h.${btoa(JSON.stringify({ uid: 1, ns: 'default', iat, exp })).replaceAll('=', '')}.s`
}

function storage(token?: string) {
  const values = new Map(token ? [['wheelhouse.token', token]] : [])
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  }
}

function answers(...responses: [status: number, body: object, headers?: Record<string, string>][]) {
  const queue = [...responses]
  return vi.fn(async () => {
    const [status, body, headers = {}] = queue.shift() ?? [500, {}]
    return new Response(JSON.stringify(body), { status, headers })
  })
}

describe('a token in the address', () => {
  test.each([
    ['http://h:1/?token=abc', 'abc', '/'],
    ['http://h:1/sessions/s1?a=1&token=ab%3Ateam#x', 'ab:team', '/sessions/s1?a=1#x'],
    ['http://h:1/?token=', null, '/'],
    ['http://h:1/sessions?q=token', null, '/sessions?q=token'],
  ])('%s', (address, token, rest) => {
    expect(takeToken(address)).toEqual({ token, address: rest })
  })
})

describe('the bearer', () => {
  test('its life is taken from the hub clock alone', () => {
    expect(bearerLifeMs(jwt(1_000, 15_400))).toBe(14_400_000)
    expect(bearerLifeMs('not a token')).toBe(Number.POSITIVE_INFINITY)
  })

  test('is asked for once, kept, and renewed before it ends', async () => {
    let now = 0
    const fetch = answers([200, { token: jwt(0, 600) }], [200, { token: jwt(600, 1200) }])
    const auth = new Auth({ storage: storage('base'), fetch, now: () => now })
    const [first, same] = await Promise.all([auth.bearer(), auth.bearer()])
    expect(same).toBe(first)
    now = 539_000
    expect(await auth.bearer()).toBe(first)
    now = 541_000
    expect(await auth.bearer()).toBe(jwt(600, 1200))
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  test('a refused one is replaced', async () => {
    const fetch = answers([200, { token: jwt(0, 600) }], [200, { token: jwt(1, 601) }])
    const auth = new Auth({ storage: storage('base'), fetch, now: () => 0 })
    expect(await auth.bearer(await auth.bearer())).toBe(jwt(1, 601))
  })

  test('a token that the hub no longer accepts signs out and says so', async () => {
    const auth = new Auth({
      storage: storage('old'),
      fetch: answers([401, { error: 'Invalid access token' }]),
      now: () => 0,
    })
    await expect(auth.bearer()).rejects.toMatchObject({ status: 401 })
    expect(auth.signedIn).toBe(false)
    expect(auth.refused).toMatch(/no longer accepts/)
  })

  test('a hub that is away does not sign out', async () => {
    const fetch = vi.fn(async () => {
      throw new TypeError('failed to fetch')
    })
    const auth = new Auth({ storage: storage('base'), fetch, now: () => 0 })
    await expect(auth.bearer()).rejects.toMatchObject({ name: 'HubAway' })
    expect(auth.signedIn).toBe(true)
  })
})

describe('signing in', () => {
  test('keeps the token only when the hub takes it', async () => {
    const fetch = answers([401, { error: 'Invalid access token' }], [200, { token: jwt(0, 600) }])
    const auth = new Auth({ storage: storage(), fetch, now: () => 0 })
    await expect(auth.signIn('wrong')).rejects.toMatchObject({ status: 401 })
    expect(auth.signedIn).toBe(false)
    await auth.signIn('  right ')
    expect(auth.signedIn).toBe(true)
    expect(fetch).toHaveBeenLastCalledWith('/api/auth', expect.objectContaining({ body: '{"accessToken":"right"}' }))
  })

  test('a lock-out carries its seconds', async () => {
    const fetch = answers([429, { error: 'Too many' }, { 'Retry-After': '17' }])
    const auth = new Auth({ storage: storage(), fetch, now: () => 0 })
    await expect(auth.signIn('x')).rejects.toMatchObject({ status: 429, retryAfterSeconds: 17 })
  })
})
