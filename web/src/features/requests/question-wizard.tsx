/** The agent's questions, one after the other. */
import { useState } from 'react'
import type { Answers } from '../../api/types'
import { Button } from '../../ui/button'
import { answersOf, type Chosen, isAnswered, type Question } from './questions'

interface WizardProps {
  tool: string
  questions: Question[]
  disabled: boolean
  onAnswer: (answers: Answers) => void
  onDeny: () => void
}

export function QuestionWizard({ tool, questions, disabled, onAnswer, onDeny }: WizardProps) {
  const [step, setStep] = useState(0)
  const [chosen, setChosen] = useState<Chosen>({})
  const question = questions[step]
  if (!question) return null
  const choice = chosen[question.key] ?? { labels: [], other: '' }
  const last = step === questions.length - 1
  const change = (next: Chosen[string]) => setChosen({ ...chosen, [question.key]: next })

  function toggle(label: string): void {
    const has = choice.labels.includes(label)
    if (!question?.several) change({ labels: [label], other: '' })
    else change({ ...choice, labels: has ? choice.labels.filter((each) => each !== label) : [...choice.labels, label] })
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (last) onAnswer(answersOf(tool, questions, chosen))
        else setStep(step + 1)
      }}
    >
      <fieldset disabled={disabled}>
        <legend className="mb-2 font-medium break-words">
          {questions.length > 1 && (
            <span className="mr-2 text-sm font-normal text-muted">
              {step + 1} of {questions.length}
            </span>
          )}
          {question.question}
        </legend>
        {question.options.map(({ label, description }) => (
          <label
            key={label}
            className="flex min-h-11 cursor-pointer items-center gap-3 rounded-lg px-2 py-1 hover:bg-raised"
          >
            <input
              type={question.several ? 'checkbox' : 'radio'}
              name={question.key}
              checked={choice.labels.includes(label)}
              onChange={() => toggle(label)}
              className="size-5 shrink-0 accent-accent"
            />
            <span className="min-w-0 break-words">
              {label}
              {description && <span className="block text-sm text-muted">{description}</span>}
            </span>
          </label>
        ))}
        <input
          type="text"
          aria-label={question.options.length > 0 ? 'Other answer' : 'Your answer'}
          placeholder={question.options.length > 0 ? 'Other answer' : 'Your answer'}
          value={choice.other}
          onChange={(event) => change({ labels: question.several ? choice.labels : [], other: event.target.value })}
          className="mt-1 h-11 w-full rounded-lg border border-line bg-page px-3 text-base placeholder:text-muted"
        />
        <div className="mt-3 flex flex-wrap gap-2">
          <Button type="submit" tone="primary" disabled={!isAnswered(question, chosen)}>
            {last ? 'Answer' : 'Next'}
          </Button>
          {step > 0 && <Button onClick={() => setStep(step - 1)}>Back</Button>}
          <Button tone="danger" onClick={onDeny} className="ml-auto">
            Skip
          </Button>
        </div>
      </fieldset>
    </form>
  )
}
