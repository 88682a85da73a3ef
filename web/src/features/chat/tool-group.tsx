/** Neighbouring tool calls, one line each; a failed one opens by itself. */
import {
  Ban,
  Bot,
  ChevronRight,
  CircleHelp,
  CircleX,
  FilePen,
  FileText,
  Globe,
  ListTodo,
  LoaderCircle,
  Search,
  Terminal,
  Wrench,
} from 'lucide-react'
import { useState } from 'react'
import { Button } from '../../ui/button'
import type { ToolCall } from './timeline'
import { ToolBody } from './tool-body'
import { type ToolKind, toolFacts } from './tool-facts'

const LINES_WITHOUT_FOLDING = 6
const LINES_AFTER_FOLDING = 3

const ICONS: Record<ToolKind, typeof Terminal> = {
  command: Terminal,
  edit: FilePen,
  read: FileText,
  search: Search,
  web: Globe,
  todos: ListTodo,
  agent: Bot,
  question: CircleHelp,
  other: Wrench,
}

interface GroupProps {
  calls: ToolCall[]
  opened: OpenState
}

/** What a person opened or closed; it outlives the row, which is unmounted when it scrolls away. */
export type OpenState = Map<string, boolean>

export function ToolGroup({ calls, opened }: GroupProps) {
  const groupKey = `group:${calls.at(-1)?.callId}`
  const [all, setAll] = useState(opened.get(groupKey) ?? calls.length <= LINES_WITHOUT_FOLDING)
  const hidden = all ? [] : calls.slice(0, -LINES_AFTER_FOLDING)
  const shown = all ? calls : calls.slice(-LINES_AFTER_FOLDING)
  const failures = hidden.filter((call) => call.state === 'failed').length
  return (
    <div className="overflow-hidden rounded-xl border border-line bg-surface">
      {hidden.length > 0 && (
        <Button
          tone="quiet"
          className="w-full justify-start! rounded-none! px-3! text-sm"
          onClick={() => {
            opened.set(groupKey, true)
            setAll(true)
          }}
        >
          <ChevronRight className="size-4" aria-hidden="true" />
          {hidden.length} earlier steps
          {failures > 0 && <span className="text-red">{failures} failed</span>}
        </Button>
      )}
      {shown.map((call) => (
        <ToolLine key={call.callId} call={call} opened={opened} />
      ))}
    </div>
  )
}

function ToolLine({ call, opened }: { call: ToolCall; opened: OpenState }) {
  const { kind, summary } = toolFacts(call.name, call.input, call.title)
  const [open, setOpen] = useState(opened.get(call.callId) ?? call.state === 'failed')
  const Icon = ICONS[kind]
  return (
    <div className="not-first:border-t not-first:border-line">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => {
          opened.set(call.callId, !open)
          setOpen(!open)
        }}
        className="flex min-h-11 w-full items-center gap-2 px-3 text-left text-sm hover:bg-raised"
      >
        <Icon className="size-4 shrink-0 text-muted" aria-hidden="true" />
        <span className="shrink-0 font-medium">{kind === 'question' ? 'Question' : call.name}</span>
        <span
          className={`min-w-0 truncate text-muted ${kind === 'command' || kind === 'read' || kind === 'edit' ? 'font-mono text-xs' : ''}`}
        >
          {summary === call.name ? '' : summary}
        </span>
        <State state={call.state} />
      </button>
      {open && (
        <div className="px-3 pb-3">
          <ToolBody name={call.name} input={call.input} output={call.output} failed={call.state === 'failed'} />
          {call.children.length > 0 && (
            <div className="mt-2 overflow-hidden rounded-lg border border-line">
              {call.children.map((child) => (
                <ToolLine key={child.callId} call={child} opened={opened} />
              ))}
            </div>
          )}
        </div>
      )}
    </div>
  )
}

function State({ state }: { state: ToolCall['state'] }) {
  const place = 'ml-auto size-4 shrink-0'
  if (state === 'running')
    return <LoaderCircle className={`${place} motion-safe:animate-spin text-muted`} aria-label="Running" />
  if (state === 'failed') return <CircleX className={`${place} text-red`} aria-label="Failed" />
  if (state === 'denied') return <Ban className={`${place} text-red`} aria-label="Denied" />
  return <span className="sr-only">Done</span>
}
