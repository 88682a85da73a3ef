/** Signed out: the sign-in page. Signed in: the live stream and the pages. */
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useSyncExternalStore } from 'react'
import { auth } from './api/client'
import { live, queries } from './api/queries'
import { SignInPage } from './features/signin/sign-in-page'
import { router } from './router'

export function App({ offeredToken }: { offeredToken: string | null }) {
  const signedIn = useSyncExternalStore(auth.subscribe, () => auth.signedIn)
  useEffect(() => {
    if (!signedIn) queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'health' })
  }, [signedIn])
  return (
    <QueryClientProvider client={queries}>
      {signedIn ? <SignedIn /> : <SignInPage offered={offeredToken} />}
    </QueryClientProvider>
  )
}

function SignedIn() {
  useEffect(() => {
    live.start()
    return () => live.stop()
  }, [])
  return <RouterProvider router={router} />
}
