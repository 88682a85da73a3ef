/** The inside of a tool's card: what it was asked, and what came of it. */
import { Check, Circle, CircleDot } from 'lucide-react'
import { useState } from 'react'
import { fields, string } from '../../api/loose'
import { Button } from '../../ui/button'
import { RichText } from '../../ui/rich-text'
import { lineDiff } from './diff'
import { outputText } from './records'
import { commandOf, editsOf, pathOf, plainInputs, questionsOf, type ToolKind, toolFacts } from './tool-facts'

const SHOWN_LINES = 40

/** Their result only says that they were done. */
const CONFIRM_ONLY = new Set<ToolKind>(['todos', 'edit'])

interface BodyProps {
  name: string
  input: unknown
  output?: unknown
  failed?: boolean
  /** Show everything at once, as someone decides by it. */
  whole?: boolean
}

export function ToolBody({ name, input, output, failed = false, whole = false }: BodyProps) {
  const { kind } = toolFacts(name, input)
  const result = output === undefined ? '' : outputText(output)
  const path = pathOf(input)
  return (
    <div className="space-y-2 text-sm">
      {kind === 'command' && <CommandText input={input} />}
      {kind === 'edit' && (
        <>
          {path && <p className="font-mono break-all">{path}</p>}
          {editsOf(input).map((edit, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the edits of one call never change places
            <Diff key={index} {...edit} whole={whole} />
          ))}
          {editsOf(input).length === 0 && <Inputs input={input} />}
        </>
      )}
      {kind === 'read' && <p className="font-mono break-all">{path}</p>}
      {kind === 'todos' && <Todos input={input} />}
      {kind === 'agent' && <RichText text={string(fields(input).prompt) ?? ''} />}
      {kind === 'question' && questionsOf(input).map((question) => <p key={question}>{question}</p>)}
      {(kind === 'other' || kind === 'search' || kind === 'web') && <Inputs input={input} />}
      {result && kind === 'agent' && <RichText text={result} />}
      {result && kind !== 'agent' && (failed || !CONFIRM_ONLY.has(kind)) && (
        <LongText text={result} className={failed ? 'text-red' : ''} />
      )}
    </div>
  )
}

function CommandText({ input }: { input: unknown }) {
  const description = string(fields(input).description)
  return (
    <>
      {description && <p className="text-muted">{description}</p>}
      <pre className="rounded-lg bg-raised p-3 font-mono break-words whitespace-pre-wrap">{commandOf(input)}</pre>
    </>
  )
}

function Inputs({ input }: { input: unknown }) {
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-1">
      {plainInputs(input).map(([name, text]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="font-mono break-words whitespace-pre-wrap">{text}</dd>
        </div>
      ))}
    </dl>
  )
}

function Todos({ input }: { input: unknown }) {
  const { todos, plan } = fields(input)
  const list = Array.isArray(todos) ? todos : Array.isArray(plan) ? plan : []
  return (
    <PlanList
      entries={list.map((todo) => ({
        content: string(fields(todo).content) ?? string(fields(todo).step) ?? '',
        status: string(fields(todo).status) ?? 'pending',
      }))}
    />
  )
}

export function PlanList({ entries }: { entries: { content: string; status: string }[] }) {
  return (
    <ul className="space-y-1">
      {entries.map(({ content, status }) => (
        <li key={content} className="flex items-start gap-2">
          {status === 'completed' ? (
            <Check className="mt-0.5 size-4 shrink-0 text-green" aria-label="Done" />
          ) : status === 'in_progress' ? (
            <CircleDot className="mt-0.5 size-4 shrink-0 text-accent" aria-label="In progress" />
          ) : (
            <Circle className="mt-0.5 size-4 shrink-0 text-muted" aria-label="To do" />
          )}
          <span className={`min-w-0 break-words ${status === 'completed' ? 'text-muted' : ''}`}>{content}</span>
        </li>
      ))}
    </ul>
  )
}

const DIFF_TONES = { '+': 'bg-green-soft text-green', '-': 'bg-red-soft text-red', ' ': '' }

function Diff({ before, after, whole }: { before: string; after: string; whole: boolean }) {
  const [all, setAll] = useState(whole)
  const lines = lineDiff(before, after)
  const shown = all ? lines : lines.slice(0, SHOWN_LINES)
  return (
    <>
      <pre className="overflow-x-auto rounded-lg bg-raised py-2 font-mono text-xs leading-5">
        {shown.map(({ sign, text }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name but their number
          <span key={index} className={`block min-w-fit px-3 whitespace-pre-wrap ${DIFF_TONES[sign]}`}>
            {sign} {text}
          </span>
        ))}
      </pre>
      {shown.length < lines.length && <More lines={lines.length} onShow={() => setAll(true)} />}
    </>
  )
}

function LongText({ text, className }: { text: string; className: string }) {
  const [all, setAll] = useState(false)
  const lines = text.split('\n')
  const shown = all ? text : lines.slice(0, SHOWN_LINES).join('\n')
  return (
    <>
      <pre
        className={`rounded-lg bg-raised p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap ${className}`}
      >
        {shown}
      </pre>
      {!all && lines.length > SHOWN_LINES && <More lines={lines.length} onShow={() => setAll(true)} />}
    </>
  )
}

function More({ lines, onShow }: { lines: number; onShow: () => void }) {
  return (
    <Button tone="quiet" onClick={onShow}>
      Show all {lines} lines
    </Button>
  )
}
