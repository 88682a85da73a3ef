/** Says in few words where a decision came from. The hub tells an address and the name a client gives itself. Pure. */
const CLIENTS: [RegExp, string][] = [
  [/Edg\w*\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
]

const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X|Macintosh/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
]

export function originOf(from: string): string {
  const [address = '', ...rest] = from.split(' ')
  const agent = rest.join(' ')
  const system = nameIn(SYSTEMS, agent)
  const client = nameIn(CLIENTS, agent) ?? agent.split(/[\s/]/)[0]
  const what = [client, system && `on ${system}`].filter(Boolean).join(' ')
  return what ? `${what}, ${address}` : address
}

function nameIn(names: [RegExp, string][], agent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(agent))?.[1]
}
