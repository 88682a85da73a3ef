/** One request of an agent: what it wants in full, and the decision. */
import { CircleAlert, CircleCheck, CircleHelp, ListChecks } from 'lucide-react'
import type { ReactNode } from 'react'
import { useAge } from '../../ui/age'
import { Button } from '../../ui/button'
import { RichText } from '../../ui/rich-text'
import { fields, string } from '../chat/records'
import { ToolBody } from '../chat/tool-body'
import { QuestionWizard } from './question-wizard'
import { readQuestions } from './questions'
import { standOf } from './stand'
import { type Decide, useDecide } from './use-decide'
import type { RequestView } from './use-requests'

interface CardProps {
  sessionId: string
  view: RequestView
  /** Where the request comes from, when the page shows several sessions. */
  origin?: ReactNode
}

export function RequestCard({ sessionId, view, origin }: CardProps) {
  const { request, id } = view
  const decide = useDecide(sessionId, id)
  const stand = standOf(decide.own, view.decision, view.completed, view.gone)
  const age = useAge(request.createdAt ?? undefined)
  const questions = readQuestions(request.tool, request.arguments)
  const plan = isPlan(request.tool) ? string(fields(request.arguments).plan) : undefined
  const heading = questions.length > 0 ? 'Question' : plan ? 'Plan' : request.tool
  if (stand.kind === 'closed') {
    return (
      <article className="flex items-center gap-2 rounded-xl border border-line bg-surface px-3 py-2 text-sm text-muted">
        <CircleCheck className="size-4 shrink-0" aria-hidden="true" />
        <p role="status" className="min-w-0 break-words">
          <span className="font-medium text-ink">{heading}</span> · {stand.text}
        </p>
      </article>
    )
  }
  const Icon = questions.length > 0 ? CircleHelp : plan ? ListChecks : CircleAlert
  return (
    <article aria-label={`Request: ${heading}`} className="rounded-xl border border-amber-line bg-surface p-3">
      <header className="mb-2 flex items-start gap-2">
        <Icon className="mt-0.5 size-5 shrink-0 text-amber" aria-hidden="true" />
        <h3 className="min-w-0 font-semibold break-words">
          {heading}
          <span className="ml-2 text-sm font-normal text-muted">{age && `waits ${age}`}</span>
        </h3>
        {origin && <div className="ml-auto min-w-0 text-sm">{origin}</div>}
      </header>
      {questions.length > 0 ? (
        <QuestionWizard
          tool={request.tool}
          questions={questions}
          disabled={stand.kind === 'under-way'}
          onAnswer={(answers) => decide.approve({ answers })}
          onDeny={decide.deny}
        />
      ) : (
        <>
          {plan ? <RichText text={plan} /> : <ToolBody name={request.tool} input={request.arguments} whole />}
          <Choices decide={decide} disabled={stand.kind === 'under-way'} plan={plan !== undefined} />
        </>
      )}
      <p role="status" className="text-sm text-amber">
        {stand.kind === 'under-way' ? <span className="mt-2 block">{stand.text}</span> : null}
        {stand.kind === 'open' && stand.note ? <span className="mt-2 block">{stand.note}</span> : null}
      </p>
    </article>
  )
}

function Choices({ decide, disabled, plan }: { decide: Decide; disabled: boolean; plan: boolean }) {
  return (
    <div className="mt-3 grid grid-cols-2 gap-2 sm:flex">
      <Button tone="primary" disabled={disabled} onClick={() => decide.approve()} className="sm:min-w-32">
        {plan ? 'Start' : 'Approve'}
      </Button>
      <Button tone="danger" disabled={disabled} onClick={decide.deny} className="sm:min-w-32">
        {plan ? 'Keep planning' : 'Deny'}
      </Button>
      {plan && (
        <Button disabled={disabled} onClick={() => decide.approve({ mode: 'acceptEdits' })} className="col-span-2">
          Start and accept edits
        </Button>
      )}
    </div>
  )
}

function isPlan(tool: string): boolean {
  return tool === 'ExitPlanMode' || tool === 'exit_plan_mode'
}
