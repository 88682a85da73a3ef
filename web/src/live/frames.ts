/** Cuts a text stream into server-sent events. */
export interface Frame {
  data: string
  id?: string
}

/** Keeps the unfinished rest between chunks. */
export class FrameReader {
  #rest = ''

  push(chunk: string): Frame[] {
    const blocks = (this.#rest + chunk).split(/\r?\n\r?\n/)
    this.#rest = blocks.pop() ?? ''
    return blocks.map(readBlock).filter((frame) => frame !== undefined)
  }
}

function readBlock(block: string): Frame | undefined {
  const data: string[] = []
  let id: string | undefined
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const field = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'id') id = value
  }
  if (data.length === 0) return undefined
  return id === undefined ? { data: data.join('\n') } : { data: data.join('\n'), id }
}
