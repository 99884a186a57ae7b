import type { Effect } from '@countersign/contract'
import type { GroupsOf } from '../asker.ts'
import { clientNames } from '../client-names.ts'
import type { Metered } from '../quotas.ts'
import type { Span } from './span.ts'

/** What calls are counted by. */
export const SUBJECTS = ['principal', 'client', 'tool', 'server', 'view'] as const
type Subject = (typeof SUBJECTS)[number]

/** One limit as it was configured. */
export interface QuotaSpec {
  readonly name: string
  /** Each combination of these is counted by itself; none of them: everything together. */
  readonly of: readonly Subject[]
  /** What it is about; what is not named here is all of it. */
  readonly match: {
    readonly principal?: readonly string[] | undefined
    readonly client?: readonly string[] | undefined
    readonly server?: readonly string[] | undefined
    /** As `server/name`. */
    readonly tool?: readonly string[] | undefined
    readonly view?: readonly string[] | undefined
    readonly effect?: readonly Effect[] | undefined
    readonly group?: readonly string[] | undefined
  }
  readonly rate?: RateSpec | undefined
  readonly budget?: BudgetSpec | undefined
  /** Calls under way at one time. */
  readonly atOnce?: number | undefined
}

export interface RateSpec {
  readonly calls: number
  readonly perMs: number
  /** So many may come at one moment. */
  readonly burst: number
}

export interface BudgetSpec {
  readonly calls: number
  readonly per: Span
}

/** What tells counters of one quota apart, by subject. */
export type Key = Readonly<Partial<Record<Subject, string>>>

/** The OAuth client where there is one; without tokens it is what it calls itself. */
const clientOf = ({ who, client }: Metered): string =>
  (who.proof === 'local' ? undefined : who.client) ?? client

const VALUES: Readonly<Record<Subject, (metered: Metered) => string>> = {
  principal: ({ who }) => who.id,
  client: clientOf,
  tool: ({ server, name }) => `${server}/${name}`,
  server: ({ server }) => server,
  view: ({ view }) => view,
}

export const keyOf = ({ of }: QuotaSpec, metered: Metered): Key =>
  Object.fromEntries(of.map((subject) => [subject, VALUES[subject](metered)]))

/** Whether a call falls under it: under everything that it names. */
export function isUnder({ match }: QuotaSpec, metered: Metered, groupsOf: GroupsOf): boolean {
  const { effect, group } = match
  if (effect !== undefined && !effect.includes(metered.effect)) return false
  if (group !== undefined) {
    const groups = groupsOf(metered.who.id)
    if (!group.some((one) => groups.includes(one))) return false
  }
  return SUBJECTS.every((subject) => {
    const named = match[subject]
    return named === undefined || namesOf(subject, metered).some((name) => named.includes(name))
  })
}

/** What is without a token may be named whatever its version. */
function namesOf(subject: Subject, metered: Metered): readonly string[] {
  const name = VALUES[subject](metered)
  return subject === 'client' && metered.who.proof === 'local' ? clientNames(name) : [name]
}
