/** One request of an agent: what it wants in full, and the decision. */
import { CircleAlert, CircleCheck, CircleHelp, ListChecks } from 'lucide-react'
import type { ReactNode } from 'react'
import { fields, string } from '../../api/loose'
import { useAge } from '../../ui/age'
import { Button } from '../../ui/button'
import { RichText } from '../../ui/rich-text'
import { ToolBody } from '../chat/tool-body'
import { forSession } from './for-session'
import { QuestionWizard } from './question-wizard'
import { readQuestions } from './questions'
import { type Stand, standOf } from './stand'
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
    <article
      aria-label={`Request: ${heading}`}
      data-request=""
      tabIndex={-1}
      className="rounded-xl border border-amber-line bg-surface p-3 focus:outline-2 focus:outline-accent"
    >
      <header className="mb-2 flex items-start gap-2">
        <Icon className="mt-0.5 size-5 shrink-0 text-amber" aria-hidden="true" />
        <h3 className="min-w-0 font-semibold break-words">
          {heading}
          <span className="ml-2 text-sm font-normal text-muted">{age && `waits ${age}`}</span>
        </h3>
        {origin && <div className="ml-auto min-w-0 text-sm">{origin}</div>}
      </header>
      {questions.length > 0 ? (
        <>
          <QuestionWizard
            tool={request.tool}
            questions={questions}
            disabled={stand.kind === 'under-way'}
            onAnswer={(answers) => decide.approve({ answers })}
            onDeny={decide.deny}
          />
          <StandLine stand={stand} />
        </>
      ) : (
        <>
          {plan ? <RichText text={plan} /> : <ToolBody name={request.tool} input={request.arguments} whole />}
          <Choices view={view} decide={decide} stand={stand} plan={plan !== undefined} />
        </>
      )}
    </article>
  )
}

/** The buttons stay in reach while a long request is read. */
interface ChoicesProps {
  view: RequestView
  decide: Decide
  stand: Stand
  plan: boolean
}

function Choices({ view, decide, stand, plan }: ChoicesProps) {
  const disabled = stand.kind === 'under-way'
  const further = plan
    ? { label: 'Start and accept edits', answer: { mode: 'acceptEdits' } }
    : forSession(view.flavor, view.request)
  return (
    <div className="sticky bottom-0 -mx-3 mt-1 -mb-3 rounded-b-xl bg-surface p-3">
      <div className="grid grid-cols-2 gap-2 sm:flex">
        <Button
          tone="primary"
          disabled={disabled}
          onClick={() => decide.approve()}
          data-key="a"
          className="sm:min-w-32"
        >
          {plan ? 'Start' : 'Approve'}
        </Button>
        <Button tone="danger" disabled={disabled} onClick={decide.deny} data-key="d" className="sm:min-w-32">
          {plan ? 'Keep planning' : 'Deny'}
        </Button>
        <Button
          disabled={disabled}
          onClick={() => decide.approve(further.answer)}
          className="col-span-2 min-w-0 wrap-anywhere"
        >
          {further.label}
        </Button>
      </div>
      <StandLine stand={stand} />
    </div>
  )
}

function StandLine({ stand }: { stand: Stand }) {
  const text = stand.kind === 'open' ? stand.note : stand.text
  return (
    <p role="status" className="text-sm text-amber">
      {text && <span className="mt-2 block">{text}</span>}
    </p>
  )
}

function isPlan(tool: string): boolean {
  return tool === 'ExitPlanMode' || tool === 'exit_plan_mode'
}
