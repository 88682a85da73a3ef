/** Names of the agents. */
const NAMES: Record<string, string> = {
  agy: 'Antigravity',
  claude: 'Claude',
  codex: 'Codex',
  copilot: 'Copilot',
  cursor: 'Cursor',
  dsh: 'DeepSeek',
  gemini: 'Gemini',
  grok: 'Grok',
  kimi: 'Kimi',
  opencode: 'OpenCode',
  pi: 'Pi',
}

export function agentName(flavor: string | null | undefined): string {
  return flavor ? (NAMES[flavor] ?? flavor) : 'Claude'
}
