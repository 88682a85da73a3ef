/** What one line and the card of a tool call say, by the shape of its input. Pure. */
import { fields, string } from '../../api/loose'

export type ToolKind = 'command' | 'edit' | 'read' | 'search' | 'web' | 'todos' | 'agent' | 'question' | 'other'

export interface ToolFacts {
  kind: ToolKind
  summary: string
}

export function toolFacts(name: string, input: unknown, title?: string): ToolFacts {
  const kind = kindOf(name, input)
  return { kind, summary: title ?? summaryOf(kind, name, input) }
}

export function commandOf(input: unknown): string | undefined {
  const { command, cmd } = fields(input)
  const value = command ?? cmd
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return shellText(value)
  return undefined
}

export function pathOf(input: unknown): string | undefined {
  const { file_path, path, notebook_path, filePath } = fields(input)
  return string(file_path) ?? string(filePath) ?? string(notebook_path) ?? string(path)
}

/** Pairs of old and new text of an editing call. */
export function editsOf(input: unknown): { before: string; after: string }[] {
  const { old_string, new_string, oldString, newString, edits, content } = fields(input)
  if (Array.isArray(edits)) return edits.flatMap((edit) => editsOf(edit))
  const before = string(old_string) ?? string(oldString)
  const after = string(new_string) ?? string(newString)
  if (before !== undefined || after !== undefined) return [{ before: before ?? '', after: after ?? '' }]
  return typeof content === 'string' ? [{ before: '', after: content }] : []
}

/** The texts of the questions that an asking tool puts to a person. */
export function questionsOf(input: unknown): string[] {
  const { questions } = fields(input)
  return Array.isArray(questions) ? questions.flatMap((each) => string(fields(each).question) ?? []) : []
}

/** Inputs of a tool without a card of its own, as names and short texts. */
export function plainInputs(input: unknown): [name: string, text: string][] {
  if (typeof input === 'string') return [['input', input]]
  return Object.entries(fields(input)).flatMap(([name, value]): [string, string][] => {
    const text = plain(value)
    return text === '' ? [] : [[name.replaceAll('_', ' '), text]]
  })
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) {
    return value.every((part) => typeof part !== 'object') ? value.join(', ') : `${value.length} items`
  }
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, inner]) => `${name}: ${typeof inner === 'object' ? '…' : String(inner)}`)
      .join(', ')
  }
  return String(value)
}

function kindOf(name: string, input: unknown): ToolKind {
  if (commandOf(input) !== undefined) return 'command'
  if (/^todo_?write$|^update_plan$/i.test(name)) return 'todos'
  if (/^(task|agent)$/i.test(name)) return 'agent'
  if (questionsOf(input).length > 0) return 'question'
  if (/^(glob|grep|ls|list_?dir|search)/i.test(name)) return 'search'
  if (/^web|fetch/i.test(name)) return 'web'
  if (/^(edit|multiedit|write|notebookedit|apply_?patch|str_?replace)/i.test(name)) return 'edit'
  if (/^(read|view|open)/i.test(name)) return 'read'
  return 'other'
}

function summaryOf(kind: ToolKind, name: string, input: unknown): string {
  const { pattern, query, url, description, prompt, todos, title } = fields(input)
  switch (kind) {
    case 'command':
      return commandOf(input) ?? ''
    case 'edit':
    case 'read':
      return pathOf(input) ?? ''
    case 'search':
      return string(pattern) ?? string(query) ?? pathOf(input) ?? ''
    case 'web':
      return string(url) ?? string(query) ?? ''
    case 'todos':
      return Array.isArray(todos) ? `${todos.length} steps` : ''
    case 'question':
      return questionsOf(input).join(' ')
    case 'agent':
      return string(description) ?? string(prompt) ?? string(title) ?? ''
    case 'other':
      return string(description) ?? string(title) ?? pathOf(input) ?? plainInputs(input)[0]?.[1] ?? name
  }
}

/** A shell started only to run one script is that script; other argument lists are quoted where needed. */
function shellText(parts: string[]): string {
  const [shell, flag, script] = parts
  if (parts.length === 3 && /(^|\/)(ba|z|da)?sh$/.test(shell ?? '') && /^-l?c$/.test(flag ?? '')) return script ?? ''
  return parts.map((part) => (/^[\w@%+=:,./-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`)).join(' ')
}
