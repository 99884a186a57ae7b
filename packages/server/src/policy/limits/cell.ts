import { Fault, type JsonObject } from '@countersign/contract'
import { digestOf } from '#base'
import type { Records } from '#store'
import type { Key } from './quota-spec.ts'

/** Others that change the same counter at the same moment; each loses at most once to each. */
const TRIES_MAX = 100

interface Next {
  readonly value: JsonObject
  /** Milliseconds since the epoch, from when it need not be kept. */
  readonly until: number
}

/** A counter in the records, which every node changes: one step, whoever else does so too. */
export async function changeCell(
  records: Records,
  kind: string,
  id: string,
  next: (value: JsonObject | undefined) => Next | undefined,
): Promise<void> {
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each try is about what the last one found.
    if (await tryChange(records, kind, id, next)) return
  }
  throw unwritten()
}

async function tryChange(
  records: Records,
  kind: string,
  id: string,
  next: (value: JsonObject | undefined) => Next | undefined,
): Promise<boolean> {
  try {
    const saved = await records.get(kind, id)
    const made = next(saved?.value)
    if (!made) return true
    const { value, until } = made
    if (!saved) return await records.add(kind, id, value, { until })
    return await records.swap(kind, id, saved.revision, { value, until })
  } catch (cause) {
    throw unwritten(cause)
  }
}

/** What cannot be counted is not let through: a limit that fails open is none. */
const unwritten = (cause?: unknown): Fault =>
  new Fault(
    'store/unavailable',
    'Nothing was executed: the counters of the limits cannot be written. Try again.',
    { cause },
  )

/** The id of a counter: `about` are the parts of its limit whose change begins a new one. */
export const cellId = (name: string, about: string, key: Key): string =>
  `${name} ${digestOf(JSON.stringify([about, key])).slice('sha256:'.length)}`

const PAGE = 500

/** Every counter of one quota. */
export async function cellsOf(
  records: Records,
  kind: string,
  name: string,
): Promise<readonly { readonly id: string; readonly value: JsonObject }[]> {
  const found: { readonly id: string; readonly value: JsonObject }[] = []
  for (let after = `${name} `; ;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each page says where the next one begins.
    const page = await records.list(kind, { after, limit: PAGE })
    const ours = page.filter(({ id }) => id.startsWith(`${name} `))
    found.push(...ours)
    const last = page.at(-1)
    if (!last || page.length < PAGE || ours.length < page.length) return found
    after = last.id
  }
}
