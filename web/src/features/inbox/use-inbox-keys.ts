/** Keys of the inbox: j and k go from request to request, a and d decide the one that has the focus. */
import { type RefObject, useEffect } from 'react'

export function useInboxKeys(box: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    // Where the focus was last, because a request that is decided leaves the list.
    let place = 0

    function onKeyDown(event: KeyboardEvent): void {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isWriting(event.target)) return
      const requests = [...(box.current?.querySelectorAll<HTMLElement>('[data-request]') ?? [])]
      const current = requests.findIndex((request) => request.contains(document.activeElement))
      if (event.key === 'a' || event.key === 'd') {
        requests[current]?.querySelector<HTMLButtonElement>(`[data-key="${event.key}"]`)?.click()
      } else if (event.key === 'j' || event.key === 'k') {
        const step = event.key === 'j' ? 1 : -1
        const wanted = current >= 0 ? current + step : place + Math.min(step, 0)
        place = Math.max(0, Math.min(wanted, requests.length - 1))
        requests[place]?.focus()
      }
    }

    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [box])
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=radio], [type=checkbox]), textarea, select')
}
