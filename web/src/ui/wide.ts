/** Whether there is room for a sidebar beside the content. */
import { useSyncExternalStore } from 'react'

const query = window.matchMedia('(min-width: 768px)')

function subscribe(listener: () => void): () => void {
  query.addEventListener('change', listener)
  return () => query.removeEventListener('change', listener)
}

export function useWide(): boolean {
  return useSyncExternalStore(subscribe, () => query.matches)
}
