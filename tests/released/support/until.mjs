// Waiting for a state: every wait names what it waits for and ends at a deadline.
import { setTimeout as pause } from 'node:timers/promises'

const DEADLINE = 20_000

/** Asks `probe` again and again until it answers something truthy, which is returned. */
export async function until(what, probe, { deadline = DEADLINE, every = 50 } = {}) {
    const end = Date.now() + deadline
    let failure = null
    for (;;) {
        try {
            const answer = await probe()
            if (answer) return answer
            failure = null
        } catch (error) {
            failure = error
        }
        if (Date.now() >= end) throw new Error(`no ${what} within ${deadline} ms`, { cause: failure ?? undefined })
        await pause(every)
    }
}

/** Ends a wait for `promise` at the deadline. */
export async function within(what, promise, deadline = DEADLINE) {
    let timer
    const expired = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no ${what} within ${deadline} ms`)), deadline)
    })
    try {
        return await Promise.race([promise, expired])
    } finally {
        clearTimeout(timer)
    }
}
