import { EFFECTS } from '@countersign/contract'
import { z } from 'zod'
import { CALENDAR_UNITS, SUBJECTS, type QuotaSpec, type Span } from '#policy'
import { duration } from './limits.ts'
import { keyName, type Complain } from './mistake.ts'
import { nearest } from '#base'
import { isTimeZone } from './policy.ts'

const QUOTAS_MAX = 200
const NAMES_MAX = 1_000
const CHARS_MAX = 500
const CALLS_MAX = 1_000_000
const AT_ONCE_MAX = 10_000
const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const one = z.string().max(CHARS_MAX)
const oneOrMore = z.union([one, z.array(one).min(1).max(NAMES_MAX)])
const SUBJECT = [...SUBJECTS, 'everything'] as const

const matchSchema = z
  .strictObject({
    principal: oneOrMore.optional().describe('Ids of principals, as the ledger shows them.'),
    client: oneOrMore
      .optional()
      .describe('OAuth clients; without tokens what a client calls itself.'),
    server: oneOrMore.optional(),
    tool: oneOrMore.optional().describe("As server/tool, by the server's own name of it."),
    view: oneOrMore.optional().describe('The name in its URL; empty for /mcp.'),
    effect: z
      .union([z.enum(EFFECTS), z.array(z.enum(EFFECTS)).min(1)], {
        error: `expected ${EFFECTS.join(', ')}, or a list of these`,
      })
      .optional(),
    group: oneOrMore.optional().describe('Groups of `policy.groups`.'),
  })
  .prefault({})
  .describe('Which calls it is about: those that fit everything named here.')

const quotaSchema = z.strictObject({
  name: z.string().regex(NAME).describe('Told to agents that are refused, and in the ledger.'),
  of: z
    .union([z.enum(SUBJECT), z.array(z.enum(SUBJECTS)).min(1).max(SUBJECTS.length)], {
      error: `expected ${SUBJECT.join(', ')}, or a list of these`,
    })
    .default('everything')
    .describe(
      'What is counted by itself; of several each combination, of `everything` all together.',
    ),
  match: matchSchema,
  rate: z
    .strictObject({
      calls: z.int().min(1).max(CALLS_MAX),
      per: duration({ min: SECOND_MS, max: HOUR_MS }),
      burst: z
        .int()
        .min(1)
        .max(CALLS_MAX)
        .optional()
        .describe('How many may come at one moment. Default: as many as `calls`.'),
    })
    .optional()
    .describe('How fast, as a token bucket. A restart fills it.'),
  budget: z
    .strictObject({
      calls: z.int().min(1).max(CALLS_MAX),
      per: z
        .union([z.enum(CALENDAR_UNITS), duration({ min: 60 * SECOND_MS, max: 31 * DAY_MS })], {
          error: `expected ${CALENDAR_UNITS.join(', ')} or a time from 1 min to 31 d, such as "6 h"`,
        })
        .describe('A day, week or month of the calendar; or a length of time such as `6 h`.'),
      timeZone: z.string().min(1).max(64).default('UTC').describe('Of the calendar.'),
    })
    .optional()
    .describe('How many in all. It survives crashes.'),
  atOnce: z.int().min(1).max(AT_ONCE_MAX).optional().describe('How many may be under way.'),
})

export const quotasSchema = z
  .array(quotaSchema)
  .max(QUOTAS_MAX)
  .prefault([])
  .describe('How much may be called: rates, budgets, and how many at one time.')

type Written = z.output<typeof quotaSchema>

/** What there is for quotas to be about. */
export interface QuotaSubjects {
  readonly servers: ReadonlySet<string>
  readonly views: readonly string[]
  readonly groups: readonly string[]
}

/** What the section means; complains about what cannot be meant. */
export function quotasOf(
  written: readonly Written[],
  known: QuotaSubjects,
  complain: Complain,
): readonly QuotaSpec[] {
  return written.map((quota, index) => {
    const at = ['quotas', index]
    if (written.findIndex(({ name }) => name === quota.name) < index) {
      complain([...at, 'name'], `there are two called ${keyName(quota.name)}`, 'rename one')
    }
    const { rate, budget, atOnce } = quota
    if (!rate && !budget && atOnce === undefined) {
      complain(at, 'limits nothing', 'add `rate`, `budget` or `atOnce`')
    }
    if (budget && !isTimeZone(budget.timeZone)) {
      complain([...at, 'budget', 'timeZone'], 'no time zone', 'for example Europe/Vienna')
    }
    checkMatch(quota, known, (field, ...said) => {
      complain([...at, 'match', field], ...said)
    })
    return specOf(quota)
  })
}

/** A limit on what does not exist would never be reached. */
function checkMatch(
  { match }: Written,
  { servers, views, groups }: QuotaSubjects,
  complain: (field: string, problem: string, remedy: string) => void,
): void {
  const check = (field: string, what: string, names: readonly string[], all: Iterable<string>) => {
    const known = new Set(all)
    for (const name of names.filter((each) => !known.has(each))) {
      const meant = nearest(name, known)
      complain(
        field,
        `there is no ${what} ${keyName(name)}`,
        meant === undefined ? `name a ${what} that there is` : `did you mean ${keyName(meant)}?`,
      )
    }
  }
  const tools = listed(match.tool) ?? []
  check('server', 'server', listed(match.server) ?? [], servers)
  check(
    'tool',
    'server',
    tools.map((tool) => tool.split('/', 1)[0] ?? ''),
    servers,
  )
  check('view', 'view', listed(match.view) ?? [], ['', ...servers, ...views])
  check('group', 'group', listed(match.group) ?? [], groups)
  if (tools.some((tool) => !tool.includes('/'))) {
    complain('tool', 'a tool without its server', 'write server/tool')
  }
}

function specOf({ name, of, match, rate, budget, atOnce }: Written): QuotaSpec {
  const subjects = of === 'everything' ? [] : typeof of === 'string' ? [of] : [...new Set(of)]
  return {
    name,
    of: subjects,
    match: {
      principal: listed(match.principal),
      client: listed(match.client),
      server: listed(match.server),
      tool: listed(match.tool),
      view: listed(match.view),
      effect: listed(match.effect),
      group: listed(match.group),
    },
    ...(rate
      ? { rate: { calls: rate.calls, perMs: rate.per, burst: rate.burst ?? rate.calls } }
      : {}),
    ...(budget
      ? { budget: { calls: budget.calls, per: spanOf(budget.per, budget.timeZone) } }
      : {}),
    ...(atOnce === undefined ? {} : { atOnce }),
  }
}

const spanOf = (per: number | (typeof CALENDAR_UNITS)[number], timeZone: string): Span =>
  typeof per === 'number' ? { kind: 'length', ms: per } : { kind: 'calendar', unit: per, timeZone }

const listed = <Value>(given: Value | readonly Value[] | undefined): readonly Value[] | undefined =>
  given === undefined ? undefined : isList(given) ? given : [given]

const isList = <Value>(given: Value | readonly Value[]): given is readonly Value[] =>
  Array.isArray(given)
