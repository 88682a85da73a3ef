/** One honest line about the connection. It takes its own row, so that it covers nothing. */
import { useSyncExternalStore } from 'react'
import { live } from '../api/queries'
import { useAge } from './age'

export function ConnectionLine() {
  const connection = useSyncExternalStore(live.onConnection, () => live.connection)
  const age = useAge(connection.state === 'open' ? undefined : connection.since)
  // A connection that comes at once is not worth a line that moves the page.
  const slow = connection.state === 'connecting' && age !== '0 s'
  return (
    <div role="status" className="safe-top safe-x bg-amber-soft text-amber text-sm">
      {slow && <p className="px-4 py-1">Connecting to the hub…</p>}
      {connection.state === 'lost' && (
        <p className="px-4 py-1">
          No connection to the hub for <span aria-hidden="true">{age}</span>. What you see may be old.
        </p>
      )}
    </div>
  )
}
