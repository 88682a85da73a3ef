/** One honest line about the connection. It takes its own row, so that it covers nothing. */
import { useSyncExternalStore } from 'react'
import { live } from '../api/queries'
import { useAge } from './age'

export function ConnectionLine() {
  const connection = useSyncExternalStore(live.onConnection, () => live.connection)
  const age = useAge(connection.state === 'lost' ? connection.since : undefined)
  return (
    <div role="status" className="safe-top safe-x bg-amber-soft text-amber text-sm">
      {connection.state === 'connecting' && <p className="px-4 py-1">Connecting to the hub…</p>}
      {connection.state === 'lost' && (
        <p className="px-4 py-1">
          No connection to the hub for <span aria-hidden="true">{age}</span>. What you see may be old.
        </p>
      )}
    </div>
  )
}
