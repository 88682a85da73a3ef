// What the scripted model says, whichever wire it is asked on. A dialect reads a request into a reading:
//   turns   what the person's side said, oldest first: {text} or, for the answer of a tool, {text, result}
//   tools   what the agent offers: {name, schema, custom?}
// The newest text carries a directive, and the reply follows from it alone.
//   [[say TEXT]]         a plain text turn
//   [[bash COMMAND]]     call the agent's shell, then close the turn with the tool's result
//   [[escalate COMMAND]] the same, asking to leave the sandbox (Codex)
//   [[ask]]              call AskUserQuestion
//   [[count N]]          N rounds, each a line of text and a harmless command, then 'counted to N'
//   [[hold TEXT]]        stream words until `release` is called or the client goes away, then 'TEXT done'
// Another request that ends in a tool result is answered with 'tool said: …'.

const DIRECTIVE = /\[\[(say|bash|escalate|ask|count|hold)(?:\s+([\s\S]*?))?\]\]/g
const SHELLS = ['Bash', 'bash', 'exec_command', 'shell_command', 'shell']
const QUESTION = {
    question: 'Which colour?',
    header: 'Colour',
    multiSelect: false,
    options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cold' }]
}

const lastDirective = (text) => [...text.matchAll(DIRECTIVE)].at(-1)

/** The directive that a request begins a turn with, if it does. */
export function opening({ turns, tools }) {
    const newest = turns.at(-1)
    return tools.length > 0 && newest && newest.result === undefined ? lastDirective(newest.text)?.[0] : undefined
}

/** Turns a reading into one reply: {text?, call?} or {hold}. */
export function decide({ turns, tools }) {
    const newest = turns.at(-1) ?? { text: '' }
    const directive = lastDirective(newest.text)
    if (newest.result !== undefined && !directive) return continueTurn(turns, tools) ?? { text: `tool said: ${newest.result.trim().slice(0, 300)}` }
    if (!directive || tools.length === 0) return { text: directive?.[1] === 'say' ? directive[2] : 'scripted model here' }
    const [, verb, rest = ''] = directive
    if (verb === 'say') return { text: rest }
    if (verb === 'hold') return { hold: rest }
    if (verb === 'ask') return { call: { name: 'AskUserQuestion', input: { questions: [QUESTION] } } }
    if (verb === 'count') return countStep(tools, Number(rest), 1)
    return shell(tools, rest, verb === 'escalate')
}

/** The next round of [[count N]], if that is what the running turn is about. */
function continueTurn(turns, tools) {
    const start = turns.findLastIndex(({ text }) => lastDirective(text))
    const directive = start >= 0 && lastDirective(turns[start].text)
    return directive && directive[1] === 'count' ? countStep(tools, Number(directive[2]), turns.length - start) : null
}

const countStep = (tools, total, step) => step > total ? { text: `counted to ${total}` }
    : { text: `step ${step} of ${total}`, ...shell(tools, `echo step ${step}`) }

/** A call of the shell that is offered, in its own terms. */
function shell(tools, command, leavesSandbox = false) {
    const tool = tools.find(({ name }) => SHELLS.includes(name))
    if (!tool) return { text: `no shell is offered, only ${tools.map(({ name }) => name).join(', ')}` }
    const fields = tool.schema?.properties ?? {}
    const input = { [fields.cmd ? 'cmd' : 'command']: fields.command?.type === 'array' ? ['bash', '-c', command] : command }
    if (fields.description) input.description = 'scripted step'
    if (leavesSandbox && fields.sandbox_permissions) Object.assign(input, { sandbox_permissions: 'require_escalated', justification: 'scripted step' })
    return { call: { name: tool.name, input } }
}
