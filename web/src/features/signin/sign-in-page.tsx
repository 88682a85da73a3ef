/** Says which hub answers, takes the access token, and explains what went wrong. */
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { auth } from '../../api/client'
import { HubError, messageOf } from '../../api/errors'
import type { Health } from '../../api/types'
import { Button } from '../../ui/button'

const healthQuery = {
  queryKey: ['health'],
  queryFn: async (): Promise<Health> => {
    const response = await fetch('/health')
    if (!response.ok) throw new HubError(response.status, 'The hub is not ready.')
    return (await response.json()) as Health
  },
  retry: false,
}

interface SignInProps {
  /** A token from the address, tried at once. */
  offered: string | null
}

export function SignInPage({ offered }: SignInProps) {
  const health = useQuery(healthQuery)
  const [token, setToken] = useState(offered ?? '')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState(auth.refused ?? '')
  const lock = useLock()

  async function signIn(accessToken: string): Promise<void> {
    setBusy(true)
    setError('')
    try {
      await auth.signIn(accessToken)
    } catch (cause) {
      if (cause instanceof HubError && cause.status === 429) lock.start(cause.retryAfterSeconds ?? 60)
      else setError(explain(cause))
      void health.refetch()
    } finally {
      setBusy(false)
    }
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: the offered token is tried once
  useEffect(() => {
    if (offered) void signIn(offered)
  }, [])

  function submit(event: FormEvent): void {
    event.preventDefault()
    if (token.trim()) void signIn(token)
  }

  return (
    <main className="safe-x h-dvh overflow-y-auto">
      <div className="mx-auto flex min-h-full max-w-md flex-col justify-center p-6">
        <h1 className="flex items-center gap-3 text-2xl font-semibold">
          <img src="/icon.svg" alt="" className="size-8" />
          Wheelhouse
        </h1>
        <p className="mt-2 text-muted" role="status">
          {health.isPending && `Asking ${location.host}…`}
          {health.data && `The hub at ${location.host} answers.`}
          {health.error && `No hub answers at ${location.host}.`}
        </p>
        <form onSubmit={submit} className="mt-6">
          <label htmlFor="token" className="block font-medium">
            Access token
          </label>
          <input
            id="token"
            type="password"
            autoComplete="current-password"
            autoCapitalize="none"
            spellCheck={false}
            value={token}
            onChange={(event) => {
              setToken(event.target.value)
              // The lock is for wrong tokens; another one may be right.
              lock.start(0)
            }}
            aria-describedby="token-help"
            aria-invalid={error !== ''}
            className="mt-1 h-12 w-full rounded-lg border border-line bg-surface px-3 text-base"
          />
          <p id="token-help" className="mt-2 text-sm text-muted">
            The hub prints it when it first starts, also as a QR code, and keeps it as <code>cliApiToken</code> in its{' '}
            <code>settings.json</code>.
          </p>
          <div role="alert" className="mt-3 empty:hidden">
            {lock.seconds > 0 ? (
              <p className="rounded-lg bg-amber-soft px-3 py-2 text-amber">
                Too many wrong tokens. Try again in {lock.seconds} s.
              </p>
            ) : (
              error && <p className="rounded-lg bg-red-soft px-3 py-2 text-red">{error}</p>
            )}
          </div>
          <Button
            type="submit"
            tone="primary"
            className="mt-4 h-12 w-full"
            disabled={busy || lock.seconds > 0 || !token.trim()}
          >
            {busy ? 'Signing in…' : 'Sign in'}
          </Button>
        </form>
      </div>
    </main>
  )
}

function explain(cause: unknown): string {
  if (cause instanceof HubError && cause.status === 401) return 'This is not the token of this hub.'
  if (cause instanceof HubError && cause.status >= 500) return 'The hub is not ready. Try again in a moment.'
  return messageOf(cause)
}

/** Seconds until the hub listens to this address again. */
function useLock(): { seconds: number; start: (seconds: number) => void } {
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    if (seconds <= 0) return
    const timer = setTimeout(() => setSeconds(seconds - 1), 1000)
    return () => clearTimeout(timer)
  }, [seconds])
  return { seconds, start: setSeconds }
}
