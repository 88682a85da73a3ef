/** The frame: on a wide screen a sidebar beside the page, on a phone one page and a bar under it. */
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useMatchRoute } from '@tanstack/react-router'
import { Inbox, LogOut, type LucideIcon, MessagesSquare } from 'lucide-react'
import { auth } from '../api/client'
import { sessionsQuery } from '../api/queries'
import { useResumeWithSessions } from '../features/composer/outbox'
import { waitingCount } from '../features/inbox/waiting'
import { SessionList } from '../features/sessions/session-list'
import { IconButton } from './button'
import { ConnectionLine } from './connection-line'
import { NoticeLine } from './notice-line'
import { useWide } from './wide'

interface Place {
  to: '/' | '/sessions'
  label: string
  icon: LucideIcon
}

const PLACES: Place[] = [
  { to: '/', label: 'Inbox', icon: Inbox },
  { to: '/sessions', label: 'Sessions', icon: MessagesSquare },
]

export function Layout() {
  useResumeWithSessions()
  const wide = useWide()
  const inChat = useMatchRoute()({ to: '/sessions/$sessionId' }) !== false
  return (
    <div className="flex h-dvh flex-col">
      <ConnectionLine />
      <NoticeLine />
      <div className="flex min-h-0 flex-1">
        {wide && (
          <aside className="flex w-80 shrink-0 flex-col border-r border-line bg-surface lg:w-96">
            <div className="flex items-center gap-1 px-2 pt-2">
              <nav aria-label="Places" className="flex flex-1 gap-1">
                {PLACES.slice(0, 1).map((place) => (
                  <PlaceLink key={place.to} place={place} />
                ))}
              </nav>
              <SignOut />
            </div>
            <SessionList />
          </aside>
        )}
        <main className="safe-x flex min-w-0 flex-1 flex-col">
          <Outlet />
        </main>
      </div>
      {!wide && !inChat && (
        <nav aria-label="Places" className="safe-bottom safe-x flex border-t border-line bg-surface">
          {PLACES.map((place) => (
            <PlaceLink key={place.to} place={place} />
          ))}
          <SignOut />
        </nav>
      )}
    </div>
  )
}

function PlaceLink({ place: { to, label, icon: Icon } }: { place: Place }) {
  const { data: count = 0 } = useQuery({ ...sessionsQuery, select: waitingCount })
  return (
    <Link
      to={to}
      activeOptions={{ exact: true }}
      className="flex min-h-12 flex-1 items-center justify-center gap-2 rounded-lg px-3 text-sm font-medium text-muted hover:bg-raised aria-[current=page]:text-ink md:min-h-11 md:justify-start md:aria-[current=page]:bg-raised"
    >
      <Icon className="size-5" aria-hidden="true" />
      {label}
      {to === '/' && count > 0 && (
        <span className="rounded-full bg-amber-soft px-2 text-xs leading-5 text-amber">
          {count}
          <span className="sr-only"> waiting</span>
        </span>
      )}
    </Link>
  )
}

function SignOut() {
  return (
    <IconButton label="Sign out" onClick={() => auth.signOut()} className="min-h-12 md:min-h-11">
      <LogOut className="size-5" aria-hidden="true" />
    </IconButton>
  )
}
