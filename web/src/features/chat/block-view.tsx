/** One block of a chat. */
import { ChevronRight, ListChecks } from 'lucide-react'
import { memo } from 'react'
import { RichText } from '../../ui/rich-text'
import type { Block } from './timeline'
import { PlanList } from './tool-body'
import { type OpenState, ToolGroup } from './tool-group'

export const BlockView = memo(function BlockView({ block, opened }: { block: Block; opened: OpenState }) {
  switch (block.kind) {
    case 'user':
      return (
        <div className="flex justify-end">
          <div
            className={`max-w-[85%] rounded-2xl rounded-br-md bg-bubble px-4 py-2 break-words whitespace-pre-wrap ${block.terminal ? 'font-mono text-sm' : ''}`}
          >
            <span className="sr-only">You: </span>
            {block.text}
          </div>
        </div>
      )
    case 'text':
      return <RichText text={block.text} />
    case 'reasoning':
      return (
        <details
          className="group text-sm text-muted"
          open={opened.get(block.id) ?? false}
          onToggle={(event) => opened.set(block.id, event.currentTarget.open)}
        >
          <summary className="flex min-h-11 items-center gap-1 rounded-lg">
            <ChevronRight className="size-4 group-open:rotate-90" aria-hidden="true" />
            Reasoning
          </summary>
          <div className="border-l-2 border-line pl-3">
            <RichText text={block.text} />
          </div>
        </details>
      )
    case 'tools':
      return <ToolGroup calls={block.calls} opened={opened} />
    case 'plan':
      return (
        <section aria-label="Plan" className="rounded-xl border border-line bg-surface p-3 text-sm">
          <h3 className="mb-2 flex items-center gap-2 font-semibold">
            <ListChecks className="size-4" aria-hidden="true" /> Plan
          </h3>
          <PlanList entries={block.entries} />
        </section>
      )
    case 'event':
      return (
        <p
          className={`text-center text-sm break-words ${block.tone === 'bad' ? 'rounded-lg bg-red-soft px-3 py-2 text-red' : 'text-muted'}`}
        >
          {block.text}
        </p>
      )
    case 'unknown':
      return (
        <p className="w-fit rounded-lg border border-line px-3 py-1 text-sm text-muted">
          A record this page cannot show ({block.label})
        </p>
      )
  }
})
