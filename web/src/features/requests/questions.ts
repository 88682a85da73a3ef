/** Reads the questions of the asking tools, and builds their answers. Pure. */

import { fields, string } from '../../api/loose'
import type { Answers } from '../../api/types'

export interface Question {
  /** What its agent finds the answer by: the place of the question, or its id where it has one. */
  key: string
  header: string
  question: string
  options: { label: string; description: string }[]
  several: boolean
}

/** Chosen labels and own words, by question key. */
export type Chosen = Record<string, { labels: string[]; other: string }>

export function readQuestions(tool: string, input: unknown): Question[] {
  const { questions } = fields(input)
  if (!Array.isArray(questions)) return []
  return questions.map((value, index) => {
    const { id, header, question, options, multiSelect } = fields(value)
    const text = string(question) ?? string(header) ?? `Question ${index + 1}`
    return {
      key: (nested(tool) && string(id)) || String(index),
      header: string(header) ?? '',
      question: text,
      options: Array.isArray(options) ? options.map(readOption) : [],
      several: multiSelect === true,
    }
  })
}

export function isAnswered(question: Question, chosen: Chosen): boolean {
  const choice = chosen[question.key]
  return choice !== undefined && (choice.labels.length > 0 || choice.other.trim() !== '')
}

export function answersOf(tool: string, questions: Question[], chosen: Chosen): Answers {
  return Object.fromEntries(
    questions.map(({ key }) => {
      const { labels = [], other = '' } = chosen[key] ?? {}
      const answers = other.trim() ? [...labels, other.trim()] : labels
      return [key, nested(tool) ? { answers } : answers]
    }),
  )
}

function nested(tool: string): boolean {
  return tool === 'request_user_input'
}

function readOption(value: unknown): Question['options'][number] {
  const { label, description } = fields(value)
  return { label: string(label) ?? string(value) ?? 'Option', description: string(description) ?? '' }
}
