import type { StatementSync } from 'node:sqlite'
import type { Verdict } from '../ops.ts'
import type { Task } from '../task.ts'

/** Prepares one SQL statement; prepared once, run for ever. */
export type Prepare = (sql: string) => StatementSync

/** Reads one task inside the running transaction. */
export type Load = (id: string) => Task | undefined

/** The answer to an op that was written. */
export const ACCEPTED: Verdict = { accepted: true }

/** The answer to a writer that is no longer, or was never, the one who may write. */
export const FENCED: Verdict = { accepted: false, why: 'fenced' }
