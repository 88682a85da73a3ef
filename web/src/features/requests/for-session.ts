/** How to say "yes, and do not ask again in this session"; each agent understands its own form. Pure. */
import type { ApproveRequest, PermissionRequest } from '../../api/types'
import { commandOf } from '../chat/tool-facts'

export interface ForSession {
  label: string
  answer: ApproveRequest
}

export function forSession(flavor: string, { tool, arguments: input }: PermissionRequest): ForSession {
  if (flavor !== 'claude') {
    return { label: 'Allow for this session', answer: { decision: 'approved_for_session' } }
  }
  const command = tool === 'Bash' ? commandOf(input) : ''
  if (command) return { label: 'Allow this command for this session', answer: { allowTools: [`Bash(${command})`] } }
  return { label: `Allow ${tool} for this session`, answer: { allowTools: [tool] } }
}
