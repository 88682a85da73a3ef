/** The scrolling transcript: newest at the bottom, older pages on the way up, only visible rows in the document. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown } from 'lucide-react'
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { messageOf } from '../../api/errors'
import { Button, IconButton } from '../../ui/button'
import { BlockView } from './block-view'
import type { Block } from './timeline'
import type { OpenState } from './tool-group'

const NEAR_TOP_PX = 600
const NEAR_END_PX = 80

interface TranscriptProps {
  blocks: Block[]
  hasOlder: boolean
  loadOlder: () => Promise<void>
  /** Rows that are not part of the transcript yet. */
  tail: { key: string; node: ReactNode }[]
}

export function TranscriptView({ blocks, hasOlder, loadOlder, tail }: TranscriptProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const opened = useRef<OpenState>(new Map()).current
  const older = useOlder(hasOlder, loadOlder)
  const [atEnd, setAtEnd] = useState(true)
  const count = blocks.length + tail.length
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => 96,
    getItemKey: (index) => blocks[index]?.id ?? tail[index - blocks.length]?.key ?? index,
    overscan: 6,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: NEAR_END_PX,
  })

  const filled = count > 0
  useLayoutEffect(() => {
    if (filled) rows.scrollToEnd()
  }, [filled, rows])

  useStayAtEnd(scroller, atEnd, () => rows.scrollToEnd())

  // What a person has just sent is shown, wherever they were reading.
  const sent = tail.length
  const sentBefore = useRef(sent)
  useEffect(() => {
    if (sent > sentBefore.current) rows.scrollToEnd()
    sentBefore.current = sent
  }, [sent, rows])

  function scrolled(): void {
    const box = scroller.current
    if (!box) return
    setAtEnd(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX)
    if (box.scrollTop < NEAR_TOP_PX) older.load()
  }

  useEffect(() => {
    const box = scroller.current
    // A first page that does not fill the screen cannot be scrolled.
    if (box && filled && box.scrollHeight <= box.clientHeight) older.load()
  })

  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={scroller}
        onScroll={scrolled}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        aria-label="Conversation"
        className="h-full overflow-y-auto"
        data-testid="transcript"
      >
        {older.error && (
          <p role="alert" className="p-3 text-center text-sm">
            Older messages could not be read. {older.error}{' '}
            <Button tone="quiet" onClick={older.load}>
              Try again
            </Button>
          </p>
        )}
        <div className="relative mx-auto w-full max-w-3xl" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((virtual) => {
            const block = blocks[virtual.index]
            return (
              <div
                key={virtual.key}
                ref={rows.measureElement}
                data-index={virtual.index}
                className="absolute inset-x-0 top-0 px-4 py-2"
                style={{ transform: `translateY(${virtual.start}px)` }}
              >
                {block ? <BlockView block={block} opened={opened} /> : tail[virtual.index - blocks.length]?.node}
              </div>
            )
          })}
        </div>
      </section>
      {!atEnd && (
        <IconButton
          label="Go to the newest"
          onClick={() => rows.scrollToEnd()}
          className="absolute right-4 bottom-3 rounded-full! border border-line bg-surface shadow"
        >
          <ArrowDown className="size-5" aria-hidden="true" />
        </IconButton>
      )}
    </div>
  )
}

/** Keeps the newest in view when the box gets smaller: a taller composer, a request, a keyboard. */
function useStayAtEnd(box: RefObject<HTMLElement | null>, atEnd: boolean, scrollToEnd: () => void): void {
  const act = useRef(() => {})
  act.current = () => {
    if (atEnd) scrollToEnd()
  }
  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => act.current())
    observer.observe(element)
    return () => observer.disconnect()
  }, [box])
}

function useOlder(hasOlder: boolean, loadOlder: () => Promise<void>) {
  const busy = useRef(false)
  const [error, setError] = useState('')
  function load(): void {
    if (!hasOlder || busy.current) return
    busy.current = true
    loadOlder()
      .then(
        () => setError(''),
        (cause: unknown) => setError(messageOf(cause)),
      )
      .finally(() => {
        busy.current = false
      })
  }
  return { load, error }
}
