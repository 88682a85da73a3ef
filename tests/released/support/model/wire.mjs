// What the dialects of the scripted model share: identifiers, words, event streams, and turns that are held open.
import { randomUUID } from 'node:crypto'

export const shortId = () => randomUUID().replaceAll('-', '').slice(0, 20)

/** All text in a content, whatever its nesting. */
export const textOf = (content) => typeof content === 'string' ? content
    : Array.isArray(content) ? content.map((block) => block.text ?? textOf(block.content ?? block.output ?? '')).join('\n') : content?.text ?? ''

export function json(response, status, value) {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** Opens an event stream; returns what sends one event. */
export function openStream(response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    return (type, data) => response.write(`${type ? `event: ${type}\n` : ''}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
}

/** Says the text of a plan word by word; a held turn goes on until it is released. */
export async function speak(response, plan, held, say) {
    if (plan.hold !== undefined) await hold(response, (count) => say(`${plan.hold}-${count} `), held)
    for (const word of wholeText(plan).match(/\S+\s*/g) ?? ['']) say(word)
}

/** What a plan says in the end. */
export const wholeText = (plan) => plan.text ?? (plan.hold === undefined ? '' : `${plan.hold} done`)

/** Says a word every quarter of a second until the turn is released or its reader is gone. */
function hold(response, word, held) {
    return new Promise((resolve) => {
        let count = 0
        const timer = setInterval(() => word(++count), 250)
        const finish = () => {
            clearInterval(timer)
            held.delete(finish)
            resolve()
        }
        held.add(finish)
        response.once('close', finish)
        word(++count)
    })
}
