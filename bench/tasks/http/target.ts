import type { Served } from '../../call/targets.ts'

/** One request, and what came of it. */
export interface Sent {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: readonly string[]
  readonly body?: string
}
export interface Answer {
  readonly status: number
  readonly body: Buffer
}
export type Send = (request: Sent) => Promise<Answer>

/** Something that does tasks for clients over HTTP. */
export interface HttpTarget {
  readonly id: string
  readonly title: string
  /** The target that does the same without storage; undefined for such a one itself. */
  readonly beside: string | undefined
  /** Starts it in a process of its own, with a folder of its own. */
  readonly start: (folder: string) => Promise<Served>
  /** What one client does for one task, in the process of the clients. Rejects on a wrong answer. */
  readonly once: (send: Send) => Promise<void>
}
