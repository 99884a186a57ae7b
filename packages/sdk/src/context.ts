/** What a running tool may do towards whoever called it. */
import type { z } from 'zod'

/** Severities of a log message, as in RFC 5424. */
export type Level =
  | 'debug'
  | 'info'
  | 'notice'
  | 'warning'
  | 'error'
  | 'critical'
  | 'alert'
  | 'emergency'

/** A question to the person behind the client; `schema` is flat: texts, numbers, booleans, choices. */
export interface Question<Schema extends z.ZodObject> {
  readonly message: string
  readonly schema: Schema
}

/** What came of a question. A client without a person at it declines or cancels by itself. */
export type Answer<Value> =
  | { readonly action: 'accept'; readonly value: Value }
  | { readonly action: 'decline' | 'cancel' }

/** Handed to `run` with its input. */
export interface Context {
  /** Aborts when the caller cancels or goes away. */
  readonly signal: AbortSignal
  /** Tells how far the work is; says nothing when the caller did not ask for it. */
  readonly progress: (done: number, total?: number, message?: string) => Promise<void>
  /** Sends a log message to the caller, if its level is one the caller wants. */
  readonly log: (level: Level, message: string) => Promise<void>
  /**
   * Asks the person behind the client. Ask first, act after: `run` begins again from its start once
   * the answer is there, and then gets it at once. `key` tells questions of one call apart.
   *
   * @throws an internal signal that ends this round; a `catch` around it must throw it on.
   */
  readonly ask: <Schema extends z.ZodObject>(
    key: string,
    question: Question<Schema>,
  ) => Promise<Answer<z.output<Schema>>>
}
