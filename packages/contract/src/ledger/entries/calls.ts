import { z } from 'zod'
import { flow } from './flow.ts'
import { VERDICTS } from '../../admin-task.ts'
import { approval, asks, digest, json, object, text, texts, version } from './shapes.ts'

/** What was decided about a round of a call; by whose yes it goes out comes beside it (GV6). */
const decision = z
  .object({
    kind: z.enum(['allow', 'ask', 'deny']),
    policies: texts,
    version: version.optional(),
  })
  .catchall(json)

/** What became of what a call carried: too large to keep, or no room left for it. */
const PAYLOAD = z.enum(['kept', 'too-large', 'full'])

/** Before the effect. Digests only: payloads never stand in an entry. */
const opened = z.strictObject({
  principal: text,
  /** Under which token and scopes, through which client, on whose behalf; absent in local mode. */
  authority: object.optional(),
  client: text,
  view: text,
  server: text,
  method: text,
  name: text,
  effect: z.enum(['read', 'idempotent', 'write', 'destructive']),
  decision,
  definition: digest.optional(),
  arguments: digest,
  /** What became of the arguments themselves; absent where none are kept. */
  payload: PAYLOAD.optional(),
  round: z.int().positive(),
  /** The run that it is part of. */
  run: text.optional(),
  flow: flow.optional(),
  /** Kinds of what was found in its arguments. */
  found: texts.optional(),
})

export const OUTCOMES = [
  'answered',
  'refused',
  'failed',
  'input',
  'deferred',
  /** Nothing was sent: somebody has to approve it first. */
  'asked',
  'cancelled',
  'unknown',
] as const

/** What came of it. */
const closed = z.strictObject({
  outcome: z.enum(OUTCOMES),
  /** A fault code, or what the server called its error. */
  reason: text.exactOptional(),
  /** The limit that was used up, by its name. */
  quota: text.exactOptional(),
  isError: z.boolean().exactOptional(),
  /** What was shown to the server, by name: issuer, client and digest; never a token. */
  credential: text.exactOptional(),
  /** Of the result, for what was answered. */
  result: digest.exactOptional(),
  /** What became of the result itself; absent where none is kept. */
  payload: PAYLOAD.exactOptional(),
  durationMs: z.number().nonnegative(),
})

const task = { task: text, call: text.optional() }

/** Calls, and the tasks they become. Every attempt and every step of a task is a call of its own. */
export const CALL_ENTRIES = {
  'call.opened': opened,
  'call.closed': closed,
  'scope.missing': z.strictObject({
    principal: text,
    client: text,
    token: text,
    view: text,
    method: text,
    scopes: texts,
  }),
  'task.created': z.strictObject({ task: text, call: text }),
  'task.ended': z.strictObject({
    task: text,
    call: text,
    state: text,
    /** Digest of the result, of what was answered; also where its server had made a task of it. */
    result: digest.exactOptional(),
  }),
  'task.cancelled': z.strictObject({ ...task, by: text, reason: text }),
  'task.settled': z.strictObject({
    ...task,
    by: text,
    verdict: z.enum(VERDICTS),
    reason: text.optional(),
  }),
  'task.undoing': z.strictObject({ ...task, by: text }),
  'run.undoing': z.strictObject({ run: text, by: text }),
} as const

const verdict = z.enum(['approve', 'deny'])

export const APPROVAL_ENTRIES = {
  'approval.asked': z.strictObject({
    ...approval,
    bound: object,
    asks,
    message: text.optional(),
    expiresAt: z.int(),
  }),
  'approval.answered': z.strictObject({
    ...approval,
    by: text,
    groups: texts,
    verdict,
    reason: text.optional(),
    means: text,
  }),
  'approval.ended': z.strictObject({
    ...approval,
    state: text,
    why: text.optional(),
    answers: z.array(z.strictObject({ by: text, verdict, means: text })).readonly(),
    bound: object,
  }),
} as const
