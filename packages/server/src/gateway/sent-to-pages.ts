import { notification } from './client.ts'
import type { Session } from './session.ts'

/** Sessions that are remembered at one time; of older ones nobody is told that they are done. */
const SENT_MAX = 10_000

/** Which legacy sessions were sent to which page of ours (I-045). */
export class SentToPages {
  readonly #sessions = new Map<string, Set<Session>>()

  sent(id: string, session: Session): void {
    const known = this.#sessions.get(id) ?? new Set()
    this.#sessions.delete(id)
    this.#sessions.set(id, known.add(session))
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > SENT_MAX && oldest !== undefined) this.#sessions.delete(oldest)
  }

  /** Tells those that were sent there, and nobody else; a courtesy that needs an open stream. */
  done(id: string): void {
    for (const session of this.#sessions.get(id) ?? []) {
      session.listening?.send(notification(COMPLETE, { elicitationId: id }))
    }
    this.#sessions.delete(id)
  }
}

const COMPLETE = 'notifications/elicitation/complete'
