/** What others are told: events for whoever asks now and then, and the webhooks. */
import { z } from 'zod'

const TEXT = z.string().min(1).max(500)
const NAME = z.string().min(1).max(64)
const PLACE = z.coerce.number().int().min(0)
/** `approval.asked`, or all of `approval.*`; several with commas between them. */
const Kinds = z
  .string()
  .regex(/^[a-z][a-z0-9.-]{0,100}(?:\*)?(?:,[a-z][a-z0-9.-]{0,100}(?:\*)?){0,49}$/)

const EventPage = z.object({
  /** In the format that was asked for. */
  events: z.array(z.record(z.string(), z.json())),
  /** The place up to which was looked: ask for what is after it next. */
  next: z.int(),
  isEnd: z.boolean(),
})

/** One webhook; times are in milliseconds since the epoch. */
const Webhook = z.object({
  name: z.string(),
  host: z.string(),
  format: z.string(),
  kinds: z.array(z.string()),
  /** Why it is off. */
  off: z.string().optional(),
  /** The place in the ledger up to which it was told. */
  at: z.int().optional(),
  /** How many entries come after that, wanted or not. */
  behind: z.int(),
  /** How often the next one was tried in vain. */
  attempts: z.int(),
  nextAt: z.number().optional(),
  problem: z.string().optional(),
  dead: z.int(),
})

const DeadLetter = z.object({
  webhook: z.string(),
  /** The place in the ledger. */
  event: z.int(),
  kind: z.string(),
  attempts: z.int(),
  problem: z.string(),
  at: z.int(),
})

/** What the receiver said to what was sent by this; `isTaken` is absent when nothing was. */
const Told = z.object({ isTaken: z.boolean().optional(), problem: z.string().optional() })

export const FEED_OPERATIONS = {
  /** A page of events; the live stream is GET /admin/events, as server-sent events. */
  listEvents: {
    method: 'GET',
    path: '/admin/events/page',
    input: z.strictObject({
      after: PLACE.optional(),
      kinds: Kinds.optional(),
      server: TEXT.optional(),
      principal: TEXT.optional(),
      call: TEXT.optional(),
      task: TEXT.optional(),
      format: z.enum(['countersign', 'cloudevents', 'ocsf']).default('countersign'),
      limit: z.coerce.number().int().min(1).max(1_000).default(100),
    }),
    output: EventPage,
  },
  listWebhooks: {
    method: 'GET',
    path: '/admin/webhooks',
    input: z.strictObject({}),
    output: z.array(Webhook),
  },
  /** What one webhook did not take for a day, the oldest first. */
  listDeadLetters: {
    method: 'GET',
    path: '/admin/webhook/dead',
    input: z.strictObject({ name: NAME }),
    output: z.array(DeadLetter),
  },
  /** Turns it on again and tries at once what waits; with `event`, sends that dead letter now. */
  retryWebhook: {
    method: 'POST',
    path: '/admin/webhook/retry',
    input: z.strictObject({ name: NAME, event: z.int().min(1).optional() }),
    output: Told,
  },
  /** Lets go of one dead letter, or of all; says how many. */
  dropDeadLetters: {
    method: 'POST',
    path: '/admin/webhook/drop',
    input: z.strictObject({ name: NAME, event: z.int().min(1).optional() }),
    output: z.object({ dropped: z.int() }),
  },
  /** Sends a message that is no entry, to see whether it arrives. */
  testWebhook: {
    method: 'POST',
    path: '/admin/webhook/test',
    input: z.strictObject({ name: NAME }),
    output: Told,
  },
} as const
