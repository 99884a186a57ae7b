import { EFFECTS } from '@countersign/contract'
import { z } from 'zod'
import { labelsSchema } from './flow.ts'
import { bytes, count, duration, durationText } from './limits.ts'

const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MIB = 1_048_576

/** The bounds of a wait for a server; what is shorter would make a task of every call. */
const AFTER = { min: 100, max: HOUR_MS }
const AFTER_MS = 5 * SECOND_MS
const HOLD = { min: SECOND_MS, max: HOUR_MS }
const TTL = { min: 60 * SECOND_MS, max: 7 * DAY_MS }
const CLIENTS_MAX = 200

const after = z.union(
  [z.literal('never').transform(() => Number.POSITIVE_INFINITY), duration(AFTER)],
  { error: 'expected never or a time from 100 ms to 1 h, such as "5 s"' },
)

export const tasksSchema = z
  .strictObject({
    after: after
      .default(AFTER_MS)
      .describe(
        `A tool call that takes longer becomes a task: it survives us, and is answered later. \`never\`, or a time such as "${durationText(AFTER_MS)}".`,
      ),
    hold: z
      .record(z.string().min(1).max(100), duration(HOLD))
      .refine((clients) => Object.keys(clients).length <= CLIENTS_MAX)
      .prefault({})
      .describe(
        'How long a client without tasks is kept waiting for a slow call, by the name it gives itself; well below its own time-out.',
      ),
    ttl: duration(TTL)
      .default(DAY_MS)
      .describe('How long a task is kept from its creation, whatever became of it.'),
    inFlightMax: count(
      { min: 1, max: 100_000, fallback: 1_000 },
      'Tasks of one principal that are not over; the next calls are answered while their client waits, or not at all.',
    ),
    pollsPerSecondMax: count(
      { min: 1, max: 10_000, fallback: 50 },
      'How often one principal may ask about tasks; clients are told how often to ask, and this is far more.',
    ),
    resultBytesMax: bytes(
      { min: 65_536, max: 64 * MIB, fallback: 4 * MIB },
      'The largest result that is kept. A larger one is lost, and the task says so.',
    ),
  })
  .prefault({})
  .describe('Calls that are answered later.')

export type Tasks = Readonly<z.output<typeof tasksSchema>>

const NAME_CHARS_MAX = 256

const followup = z.strictObject({
  tool: z
    .string()
    .min(1)
    .max(NAME_CHARS_MAX)
    .describe('A tool of the same server, by its own name.'),
  arguments: z
    .record(z.string(), z.json())
    .prefault({})
    .describe(
      'Its arguments. A text that starts with $ is a JSONPath over {arguments, result}; $$ is a literal $.',
    ),
})

const toolRuleSchema = z.strictObject({
  effect: z
    .enum(EFFECTS)
    .optional()
    .describe(
      'What a repeat of the call would do. Default: what its annotations say, read pessimistically.',
    ),
  labels: labelsSchema.describe(
    'What it does with information; instead of `labels` of its server.',
  ),
  after: after.optional().describe('As `tasks.after`, for this tool.'),
  compensate: followup
    .optional()
    .describe('The tool that takes a completed call back, for `countersign tasks undo`.'),
  reconcile: followup
    .optional()
    .describe(
      'The tool that finds out whether a call without outcome happened: it answers {"happened": true} or {"happened": false}.',
    ),
})

export const toolRulesSchema = z
  .record(z.string().min(1).max(NAME_CHARS_MAX), toolRuleSchema)
  .optional()
  .describe("What we decide about single tools, by the server's own names.")
