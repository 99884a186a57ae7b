import { isObject, own, textAt } from '@countersign/contract'
import type { Bound } from '#approvals'
import type { Entry, Ledger } from '#audit'

/** One call of before, as the ledger has it: no argument, and nothing of its result. */
export interface Past {
  readonly at: number
  readonly server: string
  readonly tool: string
  readonly principal: string
  readonly client: string
  readonly decision: string
  /** By whose yes, if anybody's. */
  readonly yes?: string
  /** Undefined while nobody knows. */
  readonly outcome?: string
}

export interface History {
  /** What this agent did last, through whichever tool. */
  readonly agent: readonly Past[]
  /** Who called this tool last. */
  readonly tool: readonly Past[]
}

/** How far back it is looked, and how much of it is shown. */
const ENTRIES_MAX = 1_000
const SHOWN_MAX = 8

/** What this agent and this tool did before, the latest first. */
export async function historyOf(
  ledger: Pick<Ledger, 'read'>,
  { principal, client, server, tool }: Bound,
): Promise<History> {
  const entries = await ledger.read({ last: ENTRIES_MAX })
  const outcomes = outcomesIn(entries)
  const calls = entries
    .filter(({ kind, body }) => kind === 'call.opened' && textAt(body, 'method') === 'tools/call')
    .map((entry) => pastIn(entry, outcomes))
    .toReversed()
  const latest = (isWanted: (past: Past) => boolean): readonly Past[] =>
    calls.filter(isWanted).slice(0, SHOWN_MAX)
  return {
    agent: latest((one) => one.principal === principal && isClient(one, client)),
    tool: latest((one) => one.server === server && one.tool === tool),
  }
}

const isClient = ({ client }: Past, wanted: string): boolean => client === wanted

const outcomesIn = (entries: readonly Entry[]): ReadonlyMap<string, string> =>
  new Map(
    entries
      .filter(({ kind }) => kind === 'call.closed')
      .map(({ call = '', body }) => {
        const isError = own(body, 'isError') === true
        return [call, isError ? 'error' : textAt(body, 'outcome')] as const
      }),
  )

function pastIn({ at, call = '', body }: Entry, outcomes: ReadonlyMap<string, string>): Past {
  const said = own(body, 'decision')
  const decision = isObject(said) ? said : {}
  const authority = own(body, 'authority')
  const through = isObject(authority) ? textAt(authority, 'client') : ''
  const yes = ['approval', 'grant', 'confirmed'].map((key) => textAt(decision, key)).find(Boolean)
  const outcome = outcomes.get(call)
  return {
    at,
    server: textAt(body, 'server'),
    tool: textAt(body, 'name'),
    principal: textAt(body, 'principal'),
    client: through === '' ? textAt(body, 'client') : through,
    decision: textAt(decision, 'kind'),
    ...(yes === undefined ? {} : { yes }),
    ...(outcome === undefined ? {} : { outcome }),
  }
}
