import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineDiff } from './diff'

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 })
  .map((lines) => lines.map((l) => `${l}\n`).join(''))

test('both texts can be read back from their difference', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = lineDiff(before, after)
      const side = (other: string) =>
        lines
          .filter((line) => line.sign !== other)
          .map((line) => `${line.text}\n`)
          .join('')
      expect(side('+')).toBe(before)
      expect(side('-')).toBe(after)
    }),
  )
})

test('only what changed is marked', () => {
  expect(lineDiff('a\nb\nc', 'a\nx\nc').map((line) => line.sign + line.text)).toEqual([' a', '-b', '+x', ' c'])
})
