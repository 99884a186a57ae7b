import { idOf, type Question } from './question.ts'
import type { Slice } from './slices.ts'

/** A fact in the words of a key. What is not here is never remembered by: a time stamp, arguments. */
const KEYED: Readonly<Record<string, (asked: Question) => unknown>> = {
  effect: ({ effect }) => effect,
  digest: ({ digest }) => digest,
  view: ({ view }) => view,
  scopes: ({ scopes }) => scopes.toSorted(),
  agents: ({ agents }) => agents.toSorted(),
  delegation: ({ delegation }) => delegation,
  'authentication.proof': ({ proof }) => proof,
  'authentication.acr': ({ signIn }) => signIn?.acr,
  'authentication.amr': ({ signIn }) => signIn?.amr,
  'time.date': ({ moment }) => moment.date,
  'time.weekday': ({ moment }) => moment.weekday,
  'time.hour': ({ moment }) => moment.hour,
  'time.minute': ({ moment }) => moment.minute,
  network: ({ address }) => address,
  'network.address': ({ address }) => address,
  run: ({ run }) => run,
  'run.id': ({ run }) => run?.id,
  'run.labels': ({ run }) => run?.labels,
  labels: ({ labels }) => labels,
  recent: ({ recent }) => recent,
  found: ({ found }) => found,
  // Absent here: what was approved is asked about once and never remembered.
  approval: () => '',
  'approval.groups': () => '',
  'approval.people': () => '',
}

/**
 * What tells questions apart that the policies of a slice can tell apart, and no others. Undefined
 * when they see something that no two calls share.
 */
export function keyOf(
  slice: Slice,
  asked: Question,
  facts: ReadonlySet<string>,
): string | undefined {
  if (asked.approval) return undefined
  const parts: unknown[] = [slice.whole, asked.action, asked.resource.type, asked.resource.server]
  const thing = idOf(asked.resource)
  parts.push(slice.seesResource ? thing : slice.exact.get(`${asked.resource.type} ${thing}`))
  parts.push(slice.seesPrincipal ? asked.principal : undefined)
  for (const path of facts) {
    const read = Object.hasOwn(KEYED, path) ? KEYED[path] : undefined
    if (!read) return undefined
    parts.push(read(asked))
  }
  // A missing part stays in its place: JSON writes null for it.
  return JSON.stringify(parts)
}

/** Keeps what was decided, up to a number; what was not asked for lately goes first. */
export class Memo<Value> {
  readonly #max: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()

  constructor(max: number) {
    this.#max = max
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#max / 2) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
