/** All addresses of the app in one place. */
import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent } from '@tanstack/react-router'
import { SessionsPage } from './features/sessions/sessions-page'
import { Layout } from './ui/layout'

const root = createRootRoute({
  component: Layout,
  notFoundComponent: () => (
    <p className="m-auto p-4 text-center">
      There is no such page.{' '}
      <Link to="/" className="text-accent underline">
        Inbox
      </Link>
    </p>
  ),
})

const inbox = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./features/inbox/inbox-page')),
})

const sessions = createRoute({ getParentRoute: () => root, path: '/sessions', component: SessionsPage })

const session = createRoute({
  getParentRoute: () => root,
  path: '/sessions/$sessionId',
  component: lazyRouteComponent(() => import('./features/chat/chat-page')),
})

export const router = createRouter({
  routeTree: root.addChildren([inbox, sessions, session]),
  defaultPreload: 'intent',
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
