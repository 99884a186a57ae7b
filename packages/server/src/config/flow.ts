import { z } from 'zod'
import { LABELS, type Label, type RunSettings } from '#policy'
import type { ToolRule } from '#registry'
import { duration, durationText } from './limits.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const WINDOW_MS = 30 * MINUTE_MS
const WINDOW = { min: MINUTE_MS, max: 7 * DAY_MS }
const NAMED = { min: MINUTE_MS, max: 30 * DAY_MS }

export const labelsSchema = z.array(z.enum(LABELS)).max(LABELS.length).optional()

export const runsSchema = z
  .strictObject({
    window: duration(WINDOW)
      .default(WINDOW_MS)
      .describe(
        `How long a call with labels counts for its principal (\`context.recent\`), and for the run of a client that names none. A time such as "${durationText(WINDOW_MS)}".`,
      ),
    ttl: duration(NAMED)
      .default(DAY_MS)
      .describe(
        'How long it counts for a run that was named, by `_meta["dev.countersign/run"]` or by its trace.',
      ),
    infer: z
      .boolean()
      .default(false)
      .describe(
        'Whether tools without labels get those that their annotations do not rule out: `untrusted` and `outward` unless openWorldHint is false, `destructive` unless they say otherwise.',
      ),
  })
  .prefault({})
  .describe('What calls before this one have touched, as facts for policies.')

/** What things do with information, and how long that is remembered. */
export interface Flow {
  /** What the operator says of all that a server has. */
  readonly servers: Readonly<Record<string, readonly Label[]>>
  readonly infers: boolean
  /** Undefined where nothing has a label. */
  readonly runs: RunSettings | undefined
}

type Rules = Readonly<Record<string, Readonly<Record<string, ToolRule>>>>

export function flowOf(
  written: z.output<typeof runsSchema> | undefined,
  servers: Flow['servers'],
  rules: Rules,
): Flow {
  const tools = Object.values(rules).flatMap((one) => Object.values(one))
  const said = [...Object.values(servers), ...tools.map(({ labels = [] }) => labels)]
  const { window, ttl, infer } = written ?? { window: WINDOW_MS, ttl: DAY_MS, infer: false }
  const isUsed = infer || said.some((labels) => labels.length > 0)
  return {
    servers,
    infers: infer,
    runs: isUsed ? { windowMs: window, namedMs: Math.max(window, ttl) } : undefined,
  }
}
