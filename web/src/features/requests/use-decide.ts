/** Sends an answer to a request. Nothing is shown as decided before the hub says so. */
import { useState } from 'react'
import { body, hub } from '../../api/client'
import { HubError, messageOf } from '../../api/errors'
import type { ApproveRequest, DecisionAnswer } from '../../api/types'
import type { OwnAnswer } from './stand'

export interface Decide {
  own: OwnAnswer | undefined
  approve: (with_?: ApproveRequest) => void
  deny: () => void
}

export function useDecide(sessionId: string, requestId: string): Decide {
  const [own, setOwn] = useState<OwnAnswer>()
  const params = { path: { id: sessionId, requestId } }

  async function decide(approved: boolean, call: () => Promise<DecisionAnswer>): Promise<void> {
    setOwn({ approved, phase: 'sending' })
    try {
      const { delivery } = await call()
      setOwn({ approved, phase: 'sent', delivery })
    } catch (error) {
      setOwn(refused(approved, error))
    }
  }

  return {
    own,
    approve: (with_ = {}) =>
      void decide(true, () =>
        body(hub.POST('/api/sessions/{id}/permissions/{requestId}/approve', { params, body: with_ })),
      ),
    deny: () =>
      void decide(false, () => body(hub.POST('/api/sessions/{id}/permissions/{requestId}/deny', { params, body: {} }))),
  }
}

function refused(approved: boolean, error: unknown): OwnAnswer {
  if (error instanceof HubError && error.code === 'already_decided') {
    return { approved, phase: 'sent', winner: error.winner }
  }
  if (error instanceof HubError && error.status === 404) {
    return { approved, phase: 'failed', error: 'This request was answered elsewhere.' }
  }
  if (error instanceof HubError && error.code === 'session_inactive') {
    return { approved, phase: 'failed', error: 'The session is offline, so the answer was not taken.' }
  }
  return { approved, phase: 'failed', error: `Not sent. ${messageOf(error)}` }
}
