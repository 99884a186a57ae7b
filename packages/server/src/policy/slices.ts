import { liftable, saidIn, type Said } from './annotations.ts'
import type { Cedar, PolicyJson } from './cedar.ts'
import { loosened } from './loosen.ts'
import { actionsOf, uidOf, type Written } from './parse-set.ts'
import type { Thing } from './question.ts'
import { isOfArguments, sightOf } from './sight.ts'

/** The policies that can have a say about one server, ready to be asked. */
export interface Slice {
  /** What Cedar knows it by: as it is, and as lists ask it. */
  readonly whole: string
  readonly loose: string
  readonly size: number
  /** All that an answer of it can depend on; the empty path is everything. */
  readonly facts: ReadonlySet<string>
  readonly looseFacts: ReadonlySet<string>
  readonly seesPrincipal: boolean
  readonly seesResource: boolean
  readonly seesArguments: boolean
  /** Whether a policy names the action `list`, so that lists have to ask about that too. */
  readonly namesList: boolean
  /** Policies that name the action `approve`. */
  readonly ofApproving: ReadonlySet<string>
  /** Policies of which lists ask less than there is. */
  readonly loosened: ReadonlySet<string>
  /** Policies that decide nothing, and deny nothing, when they cannot be evaluated. */
  readonly mayFail: ReadonlySet<string>
  /** Policies whose scope is exactly one thing, by that thing. */
  readonly exact: ReadonlyMap<string, string>
  readonly said: ReadonlyMap<string, Said>
}

export interface Slices {
  readonly of: (server: string) => Slice
  /** All policies, for whoever wants to compare. */
  readonly whole: () => Slice
  /** Gives back what Cedar keeps; nothing of these slices may be asked any more. */
  readonly release: () => void
}

/** Cedar keeps what it has prepared for ever; what has the same name takes its place. */
export interface Shelf {
  readonly cedar: Cedar
  readonly name: string
}

interface Ready extends Written {
  /** The one server its scope is about; undefined for any. */
  readonly server: string | undefined
}

/** Cuts a set of policies by server. A slice is prepared when it is first needed. */
export function makeSlices(shelf: Shelf, policies: readonly Written[]): Slices {
  const ready: readonly Ready[] = policies.map((one) => ({ ...one, server: serverOf(one.json) }))
  const named = new Set(ready.flatMap(({ server }) => (server === undefined ? [] : [server])))
  const slices = new Map<string, Slice>()
  const prepared = (key: string, chosen: () => readonly Ready[]): Slice => {
    const known = slices.get(key)
    if (known) return known
    const slice = prepare(shelf, String(slices.size), chosen())
    slices.set(key, slice)
    return slice
  }
  return {
    // Servers that no policy names share one slice.
    of: (server) =>
      prepared(named.has(server) ? `server ${server}` : 'others', () =>
        ready.filter((one) => one.server === undefined || one.server === server),
      ),
    whole: () => prepared('whole', () => ready),
    release: () => {
      const kept = [...slices.values()].flatMap((slice) => [slice.whole, slice.loose])
      for (const id of kept) shelf.cedar.preparsePolicySet(id, { staticPolicies: {} })
      slices.clear()
    },
  }
}

function prepare({ cedar, name }: Shelf, slot: string, policies: readonly Ready[]): Slice {
  const lifted = policies.map((one) => ({ ...one, json: liftable(one.json) }))
  const loose = lifted.flatMap((one) => {
    const json = loosened(one.json)
    return json ? [{ ...one, json }] : []
  })
  const sights = lifted.map(({ json }) => sightOf(json))
  const facts = union(sights.map((sight) => sight.facts))
  const put = (kind: string, list: readonly Ready[]): string => {
    const id = `${name} ${slot} ${kind}`
    const staticPolicies = Object.fromEntries(list.map((one) => [one.id, one.json]))
    const answer = cedar.preparsePolicySet(id, { staticPolicies })
    if (answer.type === 'failure') throw new Error('policies that were checked cannot be prepared')
    return id
  }
  return {
    whole: put('whole', lifted),
    loose: put('loose', loose),
    size: lifted.length,
    facts,
    looseFacts: union(loose.map(({ json }) => sightOf(json).facts)),
    seesPrincipal: sights.some((sight) => sight.seesPrincipal),
    seesResource: sights.some((sight) => sight.seesResource),
    seesArguments: isOfArguments(facts),
    namesList: lifted.some(({ json }) => actionsOf(json).includes('list')),
    ofApproving: new Set(
      lifted.flatMap(({ id, json }) => (actionsOf(json).includes('approve') ? [id] : [])),
    ),
    loosened: new Set(lifted.flatMap(({ id, json }) => (loosened(json) === json ? [] : [id]))),
    mayFail: new Set(),
    exact: exactIn(lifted),
    said: new Map(lifted.map(({ id, json }) => [id, saidIn(json)])),
  }
}

const union = (sets: readonly ReadonlySet<string>[]): ReadonlySet<string> =>
  new Set(sets.flatMap((set) => [...set]))

/** Two things that no policy names by themselves are alike to all of them: `in` a tool is that tool. */
function exactIn(policies: readonly Ready[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { id, json } of policies) {
    const named = scopeOf(json)
    if (!named || !THINGS.includes(named.type)) continue
    const key = `${named.type} ${named.id}`
    found.set(key, `${found.get(key) ?? ''} ${id}`)
  }
  return found
}

/** Which server the scope of a policy is about, when it can be about no other. */
function serverOf(policy: PolicyJson): string | undefined {
  const named = scopeOf(policy)
  if (!named) return undefined
  const { type, id } = named
  if (type === 'Server') return id
  return THINGS.includes(type) ? id.split('/', 1)[0] : undefined
}

/** What its scope names: by `==`, by `in`, or by `is … in`. */
function scopeOf({ resource }: PolicyJson): ReturnType<typeof uidOf> | undefined {
  const within = resource.op === 'is' ? resource.in : resource.op === 'All' ? undefined : resource
  return within && 'entity' in within ? uidOf(within.entity) : undefined
}
const THINGS: readonly string[] = ['Tool', 'Prompt', 'Resource'] satisfies Thing['type'][]
