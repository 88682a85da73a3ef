/** Ages in words, and a clock that wakes only those whose words change. */
import { useCallback, useSyncExternalStore } from 'react'

export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h`
  return `${Math.floor(hours / 24)} d`
}

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    for (const each of listeners) each()
  }, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

const never = () => () => {}

/** The age of a moment; renders again only when its text changes. */
export function useAge(since: number | undefined): string {
  const text = useCallback(() => (since === undefined ? '' : formatAge(Date.now() - since)), [since])
  return useSyncExternalStore(since === undefined ? never : subscribe, text)
}
