/** The list as a page on a phone; beside the sidebar it only says what to do. */
import { useWide } from '../../ui/wide'
import { SessionList } from './session-list'

export function SessionsPage() {
  const wide = useWide()
  if (!wide) {
    return (
      <>
        <h1 className="px-4 pt-3 text-lg font-semibold">Sessions</h1>
        <SessionList />
      </>
    )
  }
  return <p className="m-auto text-muted">Choose a session on the left.</p>
}
