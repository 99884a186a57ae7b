/** The control plane, once. The server answers these operations; the console and the CLI ask them. */
import { z } from 'zod'
import { APPROVAL_OPERATIONS } from './admin-approval.ts'
import { AddedClient, ClientId, NewClient, OauthClient, RotatedKey } from './admin-client.ts'
import {
  ConnectionLine,
  ConnectionOf,
  ConnectionPage,
  Rekeyed,
  RemovedConnection,
} from './admin-connection.ts'
import { Brake, Pulled, Stopped } from './admin-brake.ts'
import { CUSTODY_OPERATIONS } from './admin-custody.ts'
import { FEED_OPERATIONS } from './admin-feeds.ts'
import { LEDGER_OPERATIONS } from './admin-ledger.ts'
import { POLICY_OPERATIONS } from './admin-policy.ts'
import { QUOTA_OPERATIONS } from './admin-quota.ts'
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

/** Somebody who may sign in; `addedAt` is in milliseconds since the epoch. */
const User = z.object({
  id: z.string(),
  name: z.string(),
  addedAt: z.int(),
  isDisabled: z.boolean(),
  hasPassword: z.boolean(),
  passkeys: z.int(),
  /** The issuer through which they sign in, where it is not us. */
  provider: z.string().optional(),
})

/** A link by which somebody chooses how to sign in: one use, until then. */
const UserLink = z.object({ user: User, link: z.string(), until: z.int() })

const USER = z.string().min(1).max(256)
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
  ...LEDGER_OPERATIONS,
  ...CUSTODY_OPERATIONS,
  ...FEED_OPERATIONS,
  listUsers: {
    method: 'GET',
    path: '/admin/users',
    input: z.strictObject({}),
    output: z.array(User),
  },
  addUser: {
    method: 'POST',
    path: '/admin/user/add',
    input: z.strictObject({ name: USER }),
    output: UserLink,
  },
  /** Another link; older ones are over. What they sign in with stays until it is used. */
  linkUser: {
    method: 'POST',
    path: '/admin/user/link',
    input: z.strictObject({ name: USER }),
    output: UserLink,
  },
  /** Ends their sessions and what they were given; or, with `isDisabled: false`, lets them in again. */
  disableUser: {
    method: 'POST',
    path: '/admin/user/disable',
    input: z.strictObject({ name: USER, isDisabled: z.boolean().default(true) }),
    output: User,
  },
  removeUser: {
    method: 'POST',
    path: '/admin/user/remove',
    input: z.strictObject({ name: USER }),
    output: User,
  },
  listClients: {
    method: 'GET',
    path: '/admin/clients',
    input: z.strictObject({}),
    output: z.array(OauthClient),
  },
  addClient: {
    method: 'POST',
    path: '/admin/client/add',
    input: NewClient,
    output: AddedClient,
  },
  /** Ends what it was given, too. */
  removeClient: {
    method: 'POST',
    path: '/admin/client/remove',
    input: ClientId,
    output: OauthClient,
  },
  /** The next key that tokens are signed with: published now, used from `signsFrom` on. */
  rotateKeys: {
    method: 'POST',
    path: '/admin/keys/rotate',
    input: z.strictObject({}),
    output: RotatedKey,
  },
  listConnections: {
    method: 'GET',
    path: '/admin/connections',
    input: z.strictObject({}),
    output: z.array(ConnectionLine),
  },
  /** A page on which the account of a server is connected: for one principal, or for the house. */
  beginConnection: {
    method: 'POST',
    path: '/admin/connection/begin',
    input: ConnectionOf,
    output: ConnectionPage,
  },
  removeConnection: {
    method: 'POST',
    path: '/admin/connection/remove',
    input: ConnectionOf,
    output: RemovedConnection,
  },
  /** Wraps the keys of all credentials with the master key of now. */
  rekeyConnections: {
    method: 'POST',
    path: '/admin/connections/rekey',
    input: z.strictObject({}),
    output: Rekeyed,
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
  /** What is stopped, whoever asks; the newest first. */
  listBrakes: {
    method: 'GET',
    path: '/admin/brakes',
    input: z.strictObject({}),
    output: z.array(Brake),
  },
  /** Stops new calls at once, on every node; `cancels` what is under way, `revokes` tokens, too. */
  pullBrake: {
    method: 'POST',
    path: '/admin/brake',
    input: z.strictObject({
      stopped: Stopped,
      reason: REASON,
      cancels: z.boolean().default(false),
      revokes: z.boolean().default(false),
    }),
    output: Pulled,
  },
  releaseBrake: {
    method: 'POST',
    path: '/admin/brake/release',
    input: z.strictObject({ id: ID, reason: REASON }),
    output: Brake,
  },
  ...QUOTA_OPERATIONS,
  ...POLICY_OPERATIONS,
  ...APPROVAL_OPERATIONS,
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
