/** The control plane, once. The server answers these operations; the console and the CLI ask them. */
import { z } from 'zod'
import { ADMIN_TASK_STATES, TaskDetail, TaskPage, VERDICTS } from './admin-task.ts'
import { FAULTS, type FaultCode } from './fault.ts'
import { EFFECTS, KINDS } from './tool.ts'

const Json = z.record(z.string(), z.json())

/** One line of the ledger; `at` is in milliseconds since the epoch. */
const Entry = z.object({
  seq: z.int(),
  at: z.int(),
  kind: z.string(),
  call: z.string().optional(),
  body: Json,
})

const Server = z.object({
  id: z.string(),
  state: z.string(),
  era: z.string().optional(),
  revision: z.string().optional(),
  name: z.string().optional(),
  version: z.string().optional(),
  pid: z.int().optional(),
  restarts: z.int(),
  inFlight: z.int(),
  tools: z.int(),
  problem: z.string().optional(),
  problems: z.array(z.string()),
})

const Tool = z.object({
  name: z.string(),
  server: z.string(),
  original: z.string(),
  kind: z.enum(KINDS),
  effect: z.enum(EFFECTS),
  digest: z.string(),
  description: z.string().optional(),
  inputSchema: Json.optional(),
})

const ID = z.string().min(1).max(64)
const RUN = z.string().min(1).max(500)
const OWNER = z.string().min(1).max(500)
const REASON = z.string().min(1).max(1_000)

const STATE = `(?:${ADMIN_TASK_STATES.join('|')})`
/** Several states with commas between them: `working,unknown`. */
const States = z.string().regex(new RegExp(`^${STATE}(?:,${STATE}){0,5}$`))

/** Every operation: how it is asked over HTTP, and the shapes of its question and answer. */
export const ADMIN = {
  listServers: {
    method: 'GET',
    path: '/admin/servers',
    input: z.strictObject({}),
    output: z.array(Server),
  },
  listTools: {
    method: 'GET',
    path: '/admin/tools',
    input: z.strictObject({ view: z.string().max(64).default('') }),
    output: z.array(Tool),
  },
  listEntries: {
    method: 'GET',
    path: '/admin/entries',
    input: z.strictObject({
      after: z.coerce.number().int().min(0).optional(),
      last: z.coerce.number().int().min(1).max(1_000).optional(),
    }),
    output: z.array(Entry),
  },
  listTasks: {
    method: 'GET',
    path: '/admin/tasks',
    input: z.strictObject({
      states: States.optional(),
      owner: OWNER.optional(),
      run: RUN.optional(),
      cursor: z.string().max(1_000).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
    output: TaskPage,
  },
  getTask: {
    method: 'GET',
    path: '/admin/task',
    input: z.strictObject({ id: ID }),
    output: TaskDetail,
  },
  /** Ends a task that is not over. */
  cancelTask: {
    method: 'POST',
    path: '/admin/task/cancel',
    input: z.strictObject({ id: ID, reason: REASON.optional() }),
    output: TaskDetail,
  },
  /** Says what happened where nobody could know. `result` is what the call is then answered with. */
  settleTask: {
    method: 'POST',
    path: '/admin/task/settle',
    input: z.strictObject({
      id: ID,
      verdict: z.enum(VERDICTS),
      result: z.json().optional(),
      reason: REASON.optional(),
    }),
    output: TaskDetail,
  },
  /** Takes a completed call back; the answer is the task that does it. */
  undoTask: {
    method: 'POST',
    path: '/admin/task/undo',
    input: z.strictObject({ id: ID }),
    output: TaskDetail,
  },
  /** Takes all calls of a run back, the newest first; the answer is the task that does it. */
  undoRun: {
    method: 'POST',
    path: '/admin/run/undo',
    input: z.strictObject({ run: RUN, owner: OWNER.default('local') }),
    output: TaskDetail,
  },
  /**
   * Ends, on every node, what was given until now: one token, by the id that entries have of it; or
   * all tokens of a principal or a client, who can come back with newer ones.
   */
  revoke: {
    method: 'POST',
    path: '/admin/revoke',
    input: z.strictObject({
      user: OWNER.optional(),
      client: z.string().min(1).max(2_048).optional(),
      token: z.string().min(1).max(255).optional(),
    }),
    output: z.object({ kind: z.enum(['user', 'client', 'token']), id: z.string() }),
  },
} as const satisfies Record<string, Operation>

interface Operation {
  readonly method: 'GET' | 'POST'
  readonly path: `/admin/${string}`
  readonly input: z.ZodType
  readonly output: z.ZodType
}

type Ops = typeof ADMIN
export type AdminName = keyof Ops

/** What the server implements and what `connect` returns: one type, so they cannot drift apart. */
export type Admin = {
  readonly [Name in AdminName]: (
    input: z.input<Ops[Name]['input']>,
  ) => Promise<z.output<Ops[Name]['output']>>
}

/** The HTTP status of a refusal where MCP has none of its own: there it travels inside of a 200. */
const STATUS: Readonly<Partial<Record<FaultCode, number>>> = {
  'task/unknown': 404,
  'task/illegal': 409,
  'call/bad-cursor': 400,
  'rpc/bad-params': 400,
}

/** The HTTP status by which the admin API refuses. Never one of success. */
export function adminStatus(code: FaultCode): number {
  const { http } = FAULTS[code]
  return STATUS[code] ?? (http < 400 ? 500 : http)
}
