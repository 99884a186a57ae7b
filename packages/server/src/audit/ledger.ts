import { canonical, Fault, type Effect, type JsonObject } from '@countersign/contract'
import type { EntryBody, Note } from '@countersign/contract/ledger/entries'
import type { World } from '#base'
import { CRASHED } from './crashed.ts'
import { makeWriter, type LedgerWriter, type ReadsPolicy } from './ledger-writer.ts'
import { leafInBase64 } from './leaf.ts'
import type { LedgerStore, LedgerWrite, Line, RunName } from './ledger-store.ts'
import type { Payload } from './payload-store.ts'

/** What is known before the effect. Digests only: payloads never stand in an entry. */
export type Opening = { readonly call: string } & Readonly<EntryBody<'call.opened'>>

/** What came of it. */
export type Closing = Readonly<EntryBody<'call.closed'>>

export interface OpenEntry {
  readonly call: string
  /** Of the entry that opened it, in base64. */
  readonly leaf: string
  /** Its number, once that is known: what is written behind has none yet. */
  seq: number | undefined
  readonly effect: Effect
  isClosed: boolean
  /** Whether it is among those that a crash would leave open. */
  isMarked: boolean
}

/** One line of the ledger. `at` is in milliseconds since the epoch. */
export interface Entry {
  readonly seq: number
  readonly at: number
  readonly kind: string
  readonly call: string | undefined
  readonly body: JsonObject
}

export interface Ledger {
  /** Resolves once the entry may be relied on. If it cannot be written, rejects: then do nothing. */
  readonly open: (facts: Opening, payload?: Payload) => Promise<OpenEntry>
  /** Never rejects: the effect has happened. What cannot be written now is written before the next entry. */
  readonly close: (entry: OpenEntry, facts: Closing, payload?: Payload) => Promise<void>
  /**
   * Something that is not a call: a definition that changed, a start, a stop. Never rejects, like
   * `close`: it has happened. What cannot be written now is written before the next entry.
   */
  readonly note: Note
  /** Entries after `after`, oldest first; or with `last`, the newest ones, oldest first. */
  readonly read: (range: {
    readonly after?: number
    readonly last?: number
  }) => Promise<readonly Entry[]>
  /** Those of one call and its rounds, oldest first. */
  readonly of: (call: string) => Promise<readonly Entry[]>
  /** The ids of calls that begin so, in their order; later rounds are left out. */
  readonly named: (prefix: string, limit: number) => Promise<readonly string[]>
  /** The calls of a run, in the order in which they were opened. */
  readonly inRun: (run: RunName, limit: number) => Promise<readonly string[]>
  /** Closes what a crash left open, as unknown. Returns the calls concerned. */
  readonly recover: () => Promise<readonly string[]>
  /** Entries that could not be written when they happened, and are written before the next one. */
  readonly owed: () => number
}

/** The most entries one reading returns. */
const READ_MAX = 1_000

/**
 * The ledger in its first form: an entry before each effect, one after it. Anything but a read is on
 * disk before the effect; reads may be written behind within 20 ms (`ledger.reads: batched`).
 */
export function openLedger(
  world: World,
  store: LedgerStore,
  reads: ReadsPolicy,
  grew: () => void = () => undefined,
): Ledger {
  const writer = makeWriter(store, reads, grew)
  return {
    open: (facts, payload) => openEntry(world, writer, facts, payload),
    close: async (entry, facts, payload) => {
      const at = world.now()
      const text = textFor(facts)
      entry.isClosed = true
      const write: LedgerWrite = (pen) => {
        if (entry.isMarked) pen.end(entry.call)
        pen.append(at, 'call.closed', entry.call, text)
        if (payload) pen.carry(payload)
      }
      await writer.after(write, entry.effect)
    },
    note: async (kind, body) => {
      const at = world.now()
      const text = textFor(body)
      // What is about a call belongs to its story.
      const about = callIn(body)
      const write: LedgerWrite = (pen) => {
        pen.append(at, kind, about, text)
      }
      await writer.after(write)
    },
    ...readings(store),
    owed: writer.owed,
    recover: async () => {
      const calls = await store.orphans()
      if (calls.length === 0) return calls
      const at = world.now()
      const write: LedgerWrite = (pen) => {
        for (const call of calls) pen.abandon(at, 'call.closed', call, CRASHED)
      }
      await writer.before(write, 'write', () => undefined)
      return calls
    },
  }
}

async function openEntry(
  world: World,
  writer: LedgerWriter,
  facts: Opening,
  payload: Payload | undefined,
): Promise<OpenEntry> {
  const { call, ...body } = facts
  const { principal, run } = facts
  const at = world.now()
  const text = textFor(body)
  const leaf = leafInBase64({ at, kind: 'call.opened', call, body: text })
  const entry: OpenEntry = {
    call,
    leaf,
    seq: undefined,
    effect: facts.effect,
    isClosed: false,
    isMarked: false,
  }
  let placed: number | undefined
  const write: LedgerWrite = (pen) => {
    // What is closed by the same commit never stands open, so it needs no mark to be found by.
    entry.isMarked = !entry.isClosed
    if (entry.isMarked) pen.begin(call, facts.server)
    placed = pen.append(at, 'call.opened', call, text)
    // Later rounds are part of the first one's call.
    if (run !== undefined && facts.round === 1) pen.join({ principal, run }, call)
    if (payload) pen.carry(payload)
  }
  await writer.before(write, facts.effect, (pen) => {
    pen.abandon(at, 'call.closed', call, NOT_BEGUN)
  })
  // Only now: a commit that failed gave a number, too.
  entry.seq = placed
  return entry
}

function callIn(body: object): string | null {
  const call: unknown = 'call' in body ? body.call : undefined
  return typeof call === 'string' && call !== '' ? call : null
}

/** Whoever called was told so when nobody knew whether its opening was written. */
const NOT_BEGUN = canonical({ outcome: 'refused', reason: 'ledger/unavailable', durationMs: 0 })

const readings = (store: LedgerStore): Pick<Ledger, 'read' | 'of' | 'named' | 'inRun'> => ({
  read: async ({ after, last }) => {
    await store.settled()
    const limit = Math.min(last ?? READ_MAX, READ_MAX)
    const lines = await (after === undefined ? store.newest(limit) : store.after(after, limit))
    return lines.map(toEntry)
  },
  of: async (call) => {
    await store.settled()
    return (await store.ofCall(call, READ_MAX)).map(toEntry)
  },
  named: async (prefix, limit) => {
    await store.settled()
    return store.named(prefix, limit)
  },
  inRun: async (run, limit) => {
    await store.settled()
    return store.inRun(run, limit)
  },
})

/** Canonical (RFC 8785), because that is what is hashed. What has no such form is told as near as can be. */
function textFor(body: object): string {
  try {
    return canonical(body)
  } catch {
    const plain: unknown = JSON.parse(JSON.stringify(body), (_key, value: unknown) =>
      typeof value === 'string' ? value.toWellFormed() : value,
    )
    return canonical(plain)
  }
}

function toEntry({ seq, at, kind, call, body: text }: Line): Entry {
  return { seq, at, kind, call: call ?? undefined, body: bodyIn(seq, text) }
}

function bodyIn(seq: number, text: string): JsonObject {
  try {
    const body: JsonObject = JSON.parse(text)
    return body
  } catch (cause) {
    const words = `Entry ${String(seq)} of the ledger was changed in its database: it is not JSON.`
    throw new Fault('store/unavailable', words, { cause })
  }
}
