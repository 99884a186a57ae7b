/** A task as the control plane shows it: a line for lists, and everything that is known of it. */
import { z } from 'zod'
import { EFFECTS } from './tool.ts'

/** `waiting` holds nothing but a row; `unknown` waits for a person; the last three are final. */
export const ADMIN_TASK_STATES = [
  'working',
  'waiting',
  'unknown',
  'completed',
  'failed',
  'cancelled',
] as const

/** `call` is a deferred call; the others take back one call, or all calls of a run. */
export const ADMIN_TASK_KINDS = ['call', 'undo', 'undo-run'] as const

/** What a person found out about an unknown outcome. */
export const VERDICTS = ['happened', 'retry', 'abandon'] as const

const Failure = z.object({ message: z.string(), code: z.string().optional() })
const Arguments = z.record(z.string(), z.json())

/** One line of a list. Times are in milliseconds since the epoch. */
export const TaskLine = z.object({
  id: z.string(),
  kind: z.enum(ADMIN_TASK_KINDS),
  state: z.enum(ADMIN_TASK_STATES),
  owner: z.string(),
  run: z.string().optional(),
  /** Of a call: where it went, under the server's own name of the tool. */
  server: z.string().optional(),
  tool: z.string().optional(),
  effect: z.enum(EFFECTS).optional(),
  client: z.string().optional(),
  /** The tasks that this one takes back, in the order in which it does. */
  undoes: z.array(z.string()).optional(),
  createdAt: z.int(),
  updatedAt: z.int(),
  expiresAt: z.int(),
  /** When it is looked at next; absent while it runs and when it is over. */
  dueAt: z.int().optional(),
  /** One sentence for a person. */
  status: z.string().optional(),
  progress: z
    .object({ done: z.number(), total: z.number().optional(), message: z.string().optional() })
    .optional(),
  /** What it asks of its client, in the words of the server. */
  asks: z.array(z.string()),
  /** It is over, and what it came to is an error. */
  isError: z.boolean(),
  /** Why it has no result, or what its result says of an error. */
  error: Failure.optional(),
})

/** One call of the handler, read from the journal: an attempt, a step, a wait, a child, an undoing. */
export const JournalCall = z.object({
  call: z.int(),
  what: z.string(),
  name: z.string(),
  /** `unknown`: it left, and no outcome was recorded. */
  state: z.enum(['open', 'retrying', 'unknown', 'done', 'failed']),
  tries: z.int(),
  beganAt: z.int(),
  /** When it certainly left for the outside. */
  leftAt: z.int().optional(),
  endedAt: z.int().optional(),
  /** When the next try, or the end of a sleep, is due. */
  until: z.int().optional(),
  error: z.string().optional(),
})

/** A line of the journal. A body over 4,000 characters is left out; its size is there. */
const JournalLine = z.object({
  at: z.int(),
  epoch: z.int(),
  what: z.string(),
  kind: z.string(),
  call: z.int(),
  name: z.string(),
  body: z.json().optional(),
  bodyChars: z.int(),
})

/** What became of one call that is being taken back. */
const Undoing = z.object({
  task: z.string(),
  server: z.string().optional(),
  tool: z.string().optional(),
  /** `nothing`: it left nothing that could be taken back, or nobody has said how. */
  state: z.enum(['pending', 'undone', 'nothing', 'failed', 'unknown']),
  why: z.string().optional(),
})

/** Everything that is known of a task. Arguments that are named like secrets are not shown. */
export const TaskDetail = TaskLine.extend({
  /** Its id in the ledger. */
  call: z.string().optional(),
  view: z.string().optional(),
  /** The name its client called. */
  name: z.string().optional(),
  arguments: Arguments.optional(),
  /** Digest of the definition it was made for. */
  definition: z.string().optional(),
  /** The tool that takes it back, and the one that finds out whether it happened. */
  compensate: z.string().optional(),
  reconcile: z.string().optional(),
  /** The task that takes this one back. */
  undoneBy: z.string().optional(),
  /** The task that waits for this one. */
  parent: z.string().optional(),
  /** The server's own id, where it made a task of the call. */
  upstreamTask: z.string().optional(),
  calls: z.array(JournalCall),
  /** The newest 1,000 lines, oldest first. */
  journal: z.array(JournalLine),
  journalLeftOut: z.int(),
  undoing: z.array(Undoing).optional(),
  /** The tool result of a completed call, as the server gave it. */
  result: Arguments.optional(),
})

/** One page, newest first; `next` is absent on the last one. */
export const TaskPage = z.object({ tasks: z.array(TaskLine), next: z.string().optional() })
