import { z } from 'zod'
import { JournalCall } from './admin-task.ts'

const Json = z.record(z.string(), z.json())

/** Which policies were in force. */
const Version = z.object({ number: z.int(), digest: z.string() })

/** What was decided about a round of a call, and by what. */
const Decision = z.object({
  kind: z.enum(['allow', 'ask', 'deny']),
  policies: z.array(z.string()),
  version: Version.optional(),
  /** By whose yes it went out: the approval, the standing grant, who broke the glass. */
  told: Json.optional(),
})

/** What became of what a call carried: too large to keep, or no room left for it. */
const Fate = z.enum(['kept', 'too-large', 'full'])

/**
 * One round of a call: asked, judged, and carried out or not. A plain call has one; whoever came back
 * with answers, or was tried again after a crash, has more.
 */
const Round = z.object({
  call: z.string(),
  round: z.int(),
  openedAt: z.int(),
  /** Digest of the arguments, never themselves. */
  arguments: z.string(),
  /** What became of the arguments themselves; absent where none are kept. */
  argumentsKept: Fate.optional(),
  decision: Decision,
  /** With which credential of ours the server was called; absent where it wants none. */
  credential: z.string().optional(),
  closedAt: z.int().optional(),
  /** Absent while nobody knows. */
  outcome: z.string().optional(),
  reason: z.string().optional(),
  isError: z.boolean().optional(),
  /** Digest of the result, of what was answered. */
  result: z.string().optional(),
  resultKept: Fate.optional(),
  durationMs: z.number().optional(),
})

/** What one person said. */
const Answer = z.object({
  at: z.int(),
  by: z.string(),
  groups: z.array(z.string()),
  verdict: z.string(),
  reason: z.string().optional(),
  /** How they proved who they are. */
  means: z.string(),
})

/** A request for a yes, as the ledger has it: what it was bound to, who said what, what came of it. */
const Approval = z.object({
  id: z.string(),
  askedAt: z.int(),
  /** Each group that had to say yes, with its quorum and the policies that asked for it. */
  asks: z.array(Json),
  bound: Json,
  answers: z.array(Answer),
  /** Absent while it is open, or a yes that was not used yet. */
  state: z.string().optional(),
  why: z.string().optional(),
  /** The round that went out with it. */
  usedBy: z.string().optional(),
})

/** A call of ours that follows from this one: it takes it back, or finds out whether it happened. */
const Following = z.object({
  call: z.string(),
  why: z.enum(['undo', 'reconcile']),
  at: z.int(),
  tool: z.string().optional(),
  /** Absent while nobody knows. */
  outcome: z.string().optional(),
  isError: z.boolean().optional(),
})

/** Anything else that was written down about it: tasks, settlements, what was found in it. */
const Event = z.object({ at: z.int(), kind: z.string(), body: Json })

/** The task that the call became, as it stands now, with everything that its journal has of it. */
const TaskTree = z.object({
  id: z.string(),
  state: z.string(),
  /** Attempts, steps, waits, children and undoings, in their order. */
  calls: z.array(JournalCall),
  /** Tasks that were begun on its behalf. */
  children: z.array(z.object({ id: z.string(), state: z.string() })),
  parent: z.string().optional(),
  /** The task that takes it back. */
  undoneBy: z.object({ id: z.string(), state: z.string() }).optional(),
})

/** What a call carried, for whoever may see that. */
export const Payload = z.object({
  call: z.string(),
  part: z.enum(['arguments', 'result']),
  /** Until then it is kept. */
  until: z.int(),
  /** The JSON text that the digest is over; absent when its subject was erased. */
  text: z.string().optional(),
})

/** An entry, and the proof that it is in the ledger (RFC 9162 §2.1.3). */
const Proof = z.object({
  index: z.int(),
  leaf: z.string(),
  /** Absent until a checkpoint covers it: within a second. */
  proof: z.object({ size: z.int(), path: z.array(z.string()), checkpoint: z.string() }).optional(),
})

/** Who asked, on whose behalf, under what, what was decided, and what came of it. Version 2. */
export const Custody = z.object({
  custody: z.literal('countersign-custody/2'),
  call: z.string(),
  principal: z.string(),
  /** How it was proved, which token, which scopes about this server, who acted; absent in local mode. */
  authority: Json.optional(),
  client: z.string(),
  view: z.string(),
  server: z.string(),
  method: z.string(),
  name: z.string(),
  effect: z.string(),
  /** Of the definition that was called. */
  definition: z.string().optional(),
  /** The run that it was part of, by the principal's own name for it. */
  run: z.string().optional(),
  rounds: z.array(Round),
  approvals: z.array(Approval),
  following: z.array(Following),
  events: z.array(Event),
  /** Absent when it became none, or when that is gone. */
  task: TaskTree.optional(),
  /** Only where it was asked for, which is an entry of its own. */
  payloads: z.array(Payload).optional(),
  /** What salts the digests of this principal (base64url), with the payloads. */
  salt: z.string().optional(),
  /** What of the ledger proves this; `countersign receipt` has the entries themselves, too. */
  ledger: z.object({
    origin: z.string(),
    entries: z.array(z.int()),
    isSigned: z.boolean(),
    proofs: z.array(Proof),
  }),
})

/** All calls of a run, the first one first. */
const RunCustody = z.object({
  custody: z.literal('countersign-run/1'),
  run: z.string(),
  principal: z.string(),
  calls: z.array(Custody),
  /** Further calls that are not shown. */
  leftOut: z.int(),
  /** The task that takes all of them back. */
  undoing: z.object({ id: z.string(), state: z.string() }).optional(),
})

/** What is gone, and what is left to do. */
const Erased = z.object({
  subject: z.string(),
  /** Whether there was a key, which salted digests and sealed payloads. */
  hadKey: z.boolean(),
  payloads: z.int(),
  tasks: z.int(),
  approvals: z.int(),
  /** Standing grants, with what they were bound to. */
  grants: z.int(),
  /** Whether the database files were written anew, so that nothing of it is left in them. */
  isScrubbed: z.boolean(),
  /** Servers that hold an account of this subject: `countersign connections remove` ends that. */
  connections: z.array(z.string()),
})

const ID = z.string().min(1).max(64)
const SUBJECT = z.string().min(1).max(500)
const READ_MAX = 200

/** Custody of calls, what they carried, and the end of that. */
export const CUSTODY_OPERATIONS = {
  /** Who asked, under what, what was decided, and what came of it: of a call, or of a task. */
  getCustody: {
    method: 'GET',
    path: '/admin/custody',
    input: z.strictObject({ call: ID.optional(), task: ID.optional() }),
    output: Custody,
  },
  /** The same of all calls of a run of a principal. */
  getRunCustody: {
    method: 'GET',
    path: '/admin/custody/run',
    input: z.strictObject({
      run: SUBJECT,
      owner: SUBJECT.default('local'),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    output: RunCustody,
  },
  /** What calls carried, where that is kept. Who reads it stands in the ledger before it is read. */
  readPayloads: {
    method: 'POST',
    path: '/admin/payloads',
    input: z.strictObject({
      calls: z.array(ID).min(1).max(READ_MAX),
      why: z.string().min(1).max(1_000).optional(),
    }),
    output: z.object({
      payloads: z.array(Payload),
      /** What salts the digests of each principal (base64url). */
      salts: z.record(z.string(), z.string()),
    }),
  },
  /** Destroys what is kept of a subject. What the ledger proves stays. */
  eraseSubject: {
    method: 'POST',
    path: '/admin/erase',
    input: z.strictObject({
      subject: SUBJECT,
      reason: z.string().min(1).max(1_000).optional(),
      /** Whether tasks that are under way are cancelled. */
      cancels: z.boolean().default(false),
    }),
    output: Erased,
  },
} as const

/** Custody documents as JSON Schema, for programs that read them. */
export function custodySchema(): object {
  const schema = z.toJSONSchema(z.union([Custody.meta({ title: 'A call' }), RunCustody]), {
    reused: 'inline',
  })
  return { title: 'A chain of custody, as countersign why --json writes it', ...schema }
}
