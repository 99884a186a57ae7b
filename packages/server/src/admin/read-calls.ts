import {
  isObject,
  own,
  textAt,
  type Admin,
  type Json,
  type JsonObject,
} from '@countersign/contract'
import type { Entry, EntryKind, TaskState } from '@countersign/engine'

type Call = Awaited<ReturnType<Admin['getTask']>>['calls'][number]
type Draft = { -readonly [Key in keyof Call]: Call[Key] }

/** A journal as a person reads it: each call of the handler, and how it stands. */
export function readCalls(journal: readonly Entry[], state: TaskState): Call[] {
  const calls = new Map<number, Draft>()
  for (const entry of journal) {
    // Lines about the task itself, and what came too late to count, change no call.
    if (entry.what === 'task' || entry.kind === 'late') continue
    const known = calls.get(entry.call) ?? begin(entry)
    calls.set(entry.call, known)
    take(known, entry)
  }
  for (const call of calls.values()) {
    const mayHaveLeft = call.state === 'open' && isSent(call)
    if (state === 'unknown' && mayHaveLeft) call.state = 'unknown'
  }
  return [...calls.values()]
}

/** Only what is sent to a server can have happened unseen; steps and waits cannot. */
const isSent = ({ what }: Call): boolean => what === 'attempt' || what === 'undo'

const begin = ({ call, what, name, at }: Entry): Draft => ({
  call,
  what,
  name,
  state: 'open',
  tries: 0,
  beganAt: at,
})

const take = (call: Draft, entry: Entry): void => {
  TAKES[entry.kind]?.(call, entry, isObject(entry.body) ? entry.body : {})
}

type Take = (call: Draft, entry: Entry, said: JsonObject) => void

const end: Take = (call, { kind, at }, said) => {
  call.state = kind === 'done' ? 'done' : 'failed'
  call.endedAt = at
  delete call.until
  if (kind !== 'done') call.error = messageOf(said)
}

/** What each kind of line changes; the others change nothing that a person would ask about. */
const TAKES: Partial<Readonly<Record<EntryKind, Take>>> = {
  began: (call) => {
    call.tries++
    call.state = 'open'
    delete call.until
  },
  left: (call, { at }) => {
    call.leftAt = at
  },
  opened: (call, _, said) => {
    waitUntil(call, said)
  },
  retry: (call, _, said) => {
    call.state = 'retrying'
    call.error = messageOf(own(said, 'error'))
    waitUntil(call, said)
  },
  // Another try may begin: what is open is open no more.
  settled: (call) => {
    delete call.leftAt
  },
  done: end,
  threw: end,
  abandoned: end,
}

function waitUntil(call: Draft, said: JsonObject): void {
  const until = own(said, 'until')
  if (typeof until === 'number') call.until = until
}

const messageOf = (value: Json | undefined): string =>
  isObject(value) ? textAt(value, 'message') : ''

/** The id of a task that was begun on behalf of this one, by the number of the call. */
export function childrenIn(journal: readonly Entry[]): ReadonlyMap<number, string> {
  const children = journal.flatMap(({ kind, call, body }): [number, string][] => {
    const child = kind === 'opened' && isObject(body) ? textAt(body, 'child') : ''
    return child === '' ? [] : [[call, child]]
  })
  return new Map(children)
}
