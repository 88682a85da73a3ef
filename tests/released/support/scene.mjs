// The whole scene: a scripted model, a hub, a signed-in web client, and a machine with a running runner.
import { randomUUID } from 'node:crypto'
import { AgentHost } from './agents.mjs'
import { Hub } from './hub.mjs'
import { startModel } from './scripted_model.mjs'
import { until } from './until.mjs'
import { Web } from './web.mjs'

export class Scene {
    static async open() {
        const scene = new Scene()
        try {
            scene.model = await startModel()
            scene.hub = await Hub.start()
            scene.web = await Web.signIn(scene.hub)
            scene.host = new AgentHost(scene)
            scene.machine = await scene.host.startRunner(scene.web)
            return scene
        } catch (error) {
            await scene.close()
            throw error
        }
    }

    /** Starts a session through the runner, of Claude unless told otherwise, and waits until it is active. */
    async spawn(options = {}) {
        const answer = await until('spawned session', async () => {
            const result = await this.web.post(`/api/machines/${this.machine.id}/spawn`, { directory: this.host.project, agent: 'claude', ...options })
            // The machine is listed a moment before its methods are registered.
            return /not registered/.test(result.message ?? '') ? null : result
        }, { deadline: 40_000 })
        if (answer.type !== 'success') throw new Error(`spawn answered ${JSON.stringify(answer)}`)
        await this.active(answer.sessionId)
        return answer.sessionId
    }

    active(sessionId) {
        return until('active session', async () => (await this.web.session(sessionId)).active, { deadline: 30_000 })
    }

    /** Waits until a row of the session has this text in its content. */
    row(sessionId, text, { deadline = 40_000 } = {}) {
        return until(`row with "${text}"`, async () =>
            (await this.web.rows(sessionId)).find((row) => row.content?.role === 'agent' && JSON.stringify(row.content).includes(text)), { deadline })
    }

    /** Sends a prompt and waits for the agent row that answers it. */
    async turn(sessionId, text, answer, options) {
        const localId = await this.web.prompt(sessionId, text)
        return { localId, row: await this.row(sessionId, answer, options) }
    }

    /** Uploads a text file; returns it as a prompt names it among its attachments. */
    async attach(sessionId, filename, text) {
        const bytes = Buffer.from(text)
        const upload = await this.web.post(`/api/sessions/${sessionId}/upload`, { filename, content: bytes.toString('base64'), mimeType: 'text/plain' })
        if (!upload.success) throw new Error(`upload answered ${JSON.stringify(upload)}`)
        return { id: randomUUID(), filename, mimeType: 'text/plain', size: bytes.length, path: upload.path }
    }

    /** Waits until the session's own process says that no turn runs. */
    idle(sessionId) {
        return until('idle session', async () => !(await this.web.session(sessionId)).thinking, { deadline: 40_000 })
    }

    /** Decides a request that the session is waiting with. */
    decide(sessionId, request, verdict, body = {}) {
        return this.web.post(`/api/sessions/${sessionId}/permissions/${request.id}/${verdict}`, body)
    }

    /** Waits until the agent itself has closed the request that way. */
    closed(sessionId, request, status) {
        return until(`request ${status}`, async () => {
            const { agentState } = await this.web.session(sessionId)
            return !agentState.requests?.[request.id] && agentState.completedRequests?.[request.id]?.status === status
        })
    }

    async archive(sessionId) {
        await this.web.post(`/api/sessions/${sessionId}/archive`, {})
        return until('archived session', async () => {
            const session = await this.web.session(sessionId)
            return !session.active && session.metadata.lifecycleState === 'archived' && session
        })
    }

    async close() {
        this.web?.close()
        await this.host?.close()
        await this.model?.close()
        await this.hub?.close()
    }
}
