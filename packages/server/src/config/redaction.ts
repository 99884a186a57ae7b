import { z } from 'zod'
import {
  MODES,
  type Directions,
  type Mode,
  type RedactionSettings,
  type SomeModes,
} from '#redaction'
import { bytes } from './limits.ts'
import type { Complain } from './mistake.ts'

const KIB = 1_024
const MIB = 1_048_576
const SERVERS_MAX = 500
const TOOLS_MAX = 2_000

const mode = z.enum(MODES)
const directed = z.union(
  [
    mode,
    z.strictObject({
      in: mode.optional().describe('Of what goes to the server.'),
      out: mode.optional().describe('Of what comes back from it.'),
    }),
  ],
  { error: `expected ${MODES.join(', ')}; or { in, out } with one of them each` },
)
const family = {
  secrets: directed
    .optional()
    .describe('Tokens, keys and passwords, by the recommended rules of secretlint.'),
  personal: directed
    .optional()
    .describe('E-mail addresses, phone numbers with their country, bank accounts, payment cards.'),
}

export const redactionSchema = z
  .strictObject({
    default: z
      .strictObject(family)
      .prefault({})
      .describe(
        'What is done about what is found: `block` refuses it, `mask` covers it, `record` tells it in the ledger and to policies, `off` does not look. Or one of them for `in` and one for `out`. Default: secrets are masked, personal data is not looked for.',
      ),
    servers: z
      .record(
        z.string().min(1).max(64),
        z.strictObject({
          ...family,
          tools: z
            .record(z.string().min(1).max(256), z.strictObject(family))
            .refine((tools) => Object.keys(tools).length <= TOOLS_MAX)
            .prefault({})
            .describe("For single tools, by the server's own names."),
        }),
      )
      .refine((servers) => Object.keys(servers).length <= SERVERS_MAX)
      .prefault({})
      .describe('Where it is otherwise for one server; what is not said is as by default.'),
    sizeMax: bytes(
      { min: 16 * KIB, max: 16 * MIB, fallback: MIB },
      'The most text of one call or result that is looked at; about 30 ms for 1 MiB of plain text.',
    ),
    tooLarge: z
      .enum(['block', 'pass'])
      .default('block')
      .describe(
        'What becomes of one with more text, where something would be blocked or masked: `block` refuses it, `pass` lets it go on unseen, and says so in the ledger.',
      ),
  })
  .optional()
  .describe(
    'Secrets and personal data in what goes to servers and comes back. Without it nobody looks.',
  )

type Written = z.output<z.ZodObject<typeof family>>

/** What the section means; complains about servers that there are not. */
export function redactionOf(
  { default: base, servers, sizeMax, tooLarge }: NonNullable<z.output<typeof redactionSchema>>,
  ids: ReadonlySet<string>,
  complain: Complain,
): RedactionSettings {
  for (const id of Object.keys(servers)) {
    if (!ids.has(id))
      complain(['redaction', 'servers', id], 'no such server', 'name one of servers')
  }
  const whole = modesIn(base)
  const named = Object.entries(servers).map(([id, { tools, ...said }]) => {
    const each = Object.entries(tools).map(([name, one]) => [name, modesIn(one)] as const)
    return [id, { ...modesIn(said), tools: Object.fromEntries(each) }] as const
  })
  return {
    default: {
      secrets: { in: 'mask', out: 'mask', ...whole.secrets },
      personal: { in: 'off', out: 'off', ...whole.personal },
    },
    servers: Object.fromEntries(named),
    charsMax: sizeMax,
    tooMuch: tooLarge,
  }
}

function modesIn({ secrets, personal }: Written): SomeModes {
  return {
    ...(secrets === undefined ? {} : { secrets: directionsIn(secrets) }),
    ...(personal === undefined ? {} : { personal: directionsIn(personal) }),
  }
}

function directionsIn(
  said: Mode | { in?: Mode | undefined; out?: Mode | undefined },
): Partial<Directions> {
  if (typeof said === 'string') return { in: said, out: said }
  return {
    ...(said.in === undefined ? {} : { in: said.in }),
    ...(said.out === undefined ? {} : { out: said.out }),
  }
}
