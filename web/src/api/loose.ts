/** Reads values whose shape nobody promises, such as what agents write. */
export type Fields = Record<string, unknown>

export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

export function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
