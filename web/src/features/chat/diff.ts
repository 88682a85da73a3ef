/** Line differences of small texts, for the cards of editing tools. */
export interface DiffLine {
  sign: ' ' | '+' | '-'
  text: string
}

/** Above this many cells the table costs more than a precise difference is worth. */
const MAX_CELLS = 250_000

export function lineDiff(before: string, after: string): DiffLine[] {
  const a = lines(before)
  const b = lines(after)
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
    tail += 1
  const removed = a.slice(head, a.length - tail)
  const added = b.slice(head, b.length - tail)
  return [
    ...same(a.slice(0, head)),
    ...(removed.length * added.length > MAX_CELLS ? replaced(removed, added) : middle(removed, added)),
    ...same(a.slice(a.length - tail)),
  ]
}

/** Longest common subsequence, walked from the front. */
function middle(a: string[], b: string[]): DiffLine[] {
  const width = b.length + 1
  const table = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => table[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const result: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      result.push({ sign: ' ', text: a[i] ?? '' })
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      result.push({ sign: '-', text: a[i] ?? '' })
      i += 1
    } else {
      result.push({ sign: '+', text: b[j] ?? '' })
      j += 1
    }
  }
  return [...result, ...replaced(a.slice(i), b.slice(j))]
}

function replaced(a: string[], b: string[]): DiffLine[] {
  return [...a.map((text) => ({ sign: '-' as const, text })), ...b.map((text) => ({ sign: '+' as const, text }))]
}

function same(texts: string[]): DiffLine[] {
  return texts.map((text) => ({ sign: ' ' as const, text }))
}

function lines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
