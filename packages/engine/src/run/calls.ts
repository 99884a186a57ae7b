import { isObject, type Effect, type Json, type JsonObject } from '@countersign/contract'
import type { Entry, EntryKind, EntrySubject } from '../journal.ts'

/** What an entry says, without where it stands. */
export type Said = Pick<Entry, 'kind' | 'body' | 'at'>

/** Everything the journal knows of one call of the handler; grows with each entry. */
export interface Call {
  readonly call: number
  readonly what: EntrySubject
  readonly name: string
  /** What a sleep, wait or child was opened with. */
  opened: JsonObject | undefined
  /** The effect class of an attempt that may be out there without an outcome. */
  open: Effect | undefined
  /** The attempt promised to report its dispatch, and has (`true`) or has not (`false`). */
  left: boolean | undefined
  handle: { readonly value: Json } | undefined
  /** Failed tries so far, and when the next one may begin. */
  tries: number
  retryAt: number | undefined
  outcome: Said | undefined
}

/** A call nothing is known of yet. */
export const newCall = (call: number, what: EntrySubject, name: string): Call => ({
  call,
  what,
  name,
  opened: undefined,
  open: undefined,
  left: undefined,
  handle: undefined,
  tries: 0,
  retryAt: undefined,
  outcome: undefined,
})

const EFFECTS: readonly string[] = ['read', 'idempotent', 'write', 'destructive']
const isEffect = (value: unknown): value is Effect =>
  typeof value === 'string' && EFFECTS.includes(value)

/** What each kind of entry changes. */
const TAKES: Partial<
  Readonly<Record<EntryKind, (call: Call, said: JsonObject, whole: Said) => void>>
> = {
  opened: (call, said) => {
    call.opened = said
  },
  began: (call, said) => {
    // What cannot be read is treated as the worst it can be.
    call.open = isEffect(said['effect']) ? said['effect'] : 'destructive'
    call.left = said['reported'] === true ? false : undefined
    call.handle = undefined
  },
  left: (call) => {
    call.left = true
  },
  handle: (call, _, { body }) => {
    call.handle = { value: body }
  },
  retry: (call, said) => {
    call.tries++
    call.retryAt = Number(said['until'])
    // A remote task that could not be reached is still the same remote task.
    if (said['isOver'] === true) close(call)
  },
  settled: (call) => {
    // Somebody found out that the last try did not happen: what begins now is another one.
    call.tries++
    close(call)
  },
  done: finish,
  threw: finish,
}

/** Takes in one more entry: the same way when it is read back as when it was just written. */
export function take(call: Call, whole: Said): void {
  TAKES[whole.kind]?.(call, isObject(whole.body) ? whole.body : {}, whole)
}

function finish(call: Call, _: JsonObject, outcome: Said): void {
  close(call)
  call.outcome = outcome
}

function close(call: Call): void {
  call.open = undefined
  call.left = undefined
  call.handle = undefined
}

/** True when a second dispatch of it could do harm. */
export const isHarmful = (effect: Effect | undefined): boolean =>
  effect === 'write' || effect === 'destructive'

/** A journal, read: the calls by ordinal, and the ordinals in the order of their outcomes. */
export interface ReadJournal {
  readonly calls: Map<number, Call>
  readonly order: readonly number[]
  readonly lastAt: number
}

/** Reads a journal. Lines about the task itself, and late ones, tell the handler nothing. */
export function readJournal(entries: readonly Entry[]): ReadJournal {
  const calls = new Map<number, Call>()
  const order: number[] = []
  let lastAt = 0
  for (const entry of entries) {
    lastAt = Math.max(lastAt, entry.at)
    if (entry.what === 'task' || entry.kind === 'late') continue
    const call = calls.get(entry.call) ?? newCall(entry.call, entry.what, entry.name)
    calls.set(entry.call, call)
    take(call, entry)
    if (entry.kind === 'done' || entry.kind === 'threw') order.push(entry.call)
  }
  return { calls, order, lastAt }
}
