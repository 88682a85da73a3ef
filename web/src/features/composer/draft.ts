/** The unsent text of each session, kept in the browser. */
import { useState } from 'react'

const PREFIX = 'wheelhouse.draft.'

export function useDraft(sessionId: string): [text: string, setText: (text: string) => void] {
  const [text, setText] = useState(() => localStorage.getItem(PREFIX + sessionId) ?? '')
  function write(next: string): void {
    setText(next)
    if (next) localStorage.setItem(PREFIX + sessionId, next)
    else localStorage.removeItem(PREFIX + sessionId)
  }
  return [text, write]
}
