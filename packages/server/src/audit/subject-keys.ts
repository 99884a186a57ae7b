import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { Fault, own } from '@countersign/contract'
import type { Seal, World } from '#base'
import { openCounted, type Records, type Saved } from '#store'
import { hmacUnder } from './hmac.ts'

/** What is done under the key of one subject. Erasing the subject destroys it. */
export interface SubjectKey {
  /** Names the key, and says nothing of it. */
  readonly id: string
  /** Salts digests. */
  readonly salt: KeyObject
  /** The salted digest of a text: HMAC-SHA-256, in hex. */
  readonly digest: (text: string) => string
  /** Seals payloads: AES-256-GCM. */
  readonly seal: KeyObject
}

/** A key for each subject, kept wrapped with the master key. */
export interface SubjectKeys {
  /** Undefined while it has to be looked up. */
  readonly known: (subject: string) => SubjectKey | undefined
  /** A subject that has none gets one, which is durable before it resolves. */
  readonly of: (subject: string) => Promise<SubjectKey>
  /** Undefined where there is none; never makes one. */
  readonly find: (subject: string) => Promise<SubjectKey | undefined>
  /** Here at once, on every other node within a second. False when there was none. */
  readonly destroy: (subject: string) => Promise<boolean>
  readonly close: () => void
}

export interface SubjectKeyRooms {
  readonly world: World
  readonly records: Records
  /** Wraps the keys. */
  readonly master: Seal
  readonly isShared: boolean
  readonly onProblem: (cause: unknown) => void
}

const KIND = 'SubjectKey'
const KEY_BYTES = 32
const ID_BYTES = 12
/** Subjects whose key is in memory; each takes less than a kilobyte. */
const KNOWN_MAX = 10_000

/** Whether anything is wrapped with the master key. */
export const hasSubjectKeys = async (records: Records): Promise<boolean> =>
  (await records.list(KIND, { limit: 1 })).length > 0

/** @throws Fault when there are keys, and the master key is not the one that they are wrapped with. */
export async function openSubjectKeys(rooms: SubjectKeyRooms): Promise<SubjectKeys> {
  const { records, master } = rooms
  const known = new Map<string, SubjectKey>()
  const pending = new Map<string, Promise<SubjectKey>>()
  const [first] = await records.list(KIND, { limit: 1 })
  if (first) unwrap(master, first)
  let epoch = 0
  const forgetAll = async (): Promise<void> => {
    epoch++
    known.clear()
    pending.clear()
  }
  const counted = await openCounted({ ...rooms, load: forgetAll }, KIND)
  const remember = (subject: string, key: SubjectKey): SubjectKey => {
    const [oldest] = known.size < KNOWN_MAX ? [] : known.keys()
    if (oldest !== undefined) known.delete(oldest)
    known.set(subject, key)
    return key
  }
  const of = (subject: string): Promise<SubjectKey> => {
    const seen = known.get(subject)
    if (seen) return Promise.resolve(seen)
    const before = epoch
    const looking = pending.get(subject) ?? firstOf(rooms, subject)
    pending.set(subject, looking)
    return looking.then(
      (key) => {
        if (pending.get(subject) === looking) pending.delete(subject)
        // One that was destroyed meanwhile is used by those who asked before, and by nobody else.
        return before === epoch ? remember(subject, key) : key
      },
      (cause: unknown) => {
        if (pending.get(subject) === looking) pending.delete(subject)
        throw unavailable(cause)
      },
    )
  }
  return {
    of,
    known: (subject) => known.get(subject),
    find: async (subject) => {
      const saved = await records.get(KIND, idOf(subject))
      return saved && unwrap(master, saved)
    },
    destroy: async (subject) => {
      const had = await records.remove(KIND, idOf(subject))
      await forgetAll()
      // Also what was removed before, by somebody who could not say so any more.
      await counted.changed()
      return had
    },
    close: counted.close,
  }
}

/** The key that is there, or a new one; of several who make one at once, all get the first. */
async function firstOf(
  { world, records, master }: SubjectKeyRooms,
  subject: string,
): Promise<SubjectKey> {
  const id = idOf(subject)
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- It may be destroyed between two looks.
    const saved = await records.get(KIND, id)
    if (saved) return unwrap(master, saved)
    const name = world.random(ID_BYTES).toString('base64url')
    const key = world.random(KEY_BYTES)
    const wrapped = master.seal(wrapFor(id, name), key.toString('base64url'))
    // oxlint-disable-next-line eslint/no-await-in-loop
    if (await records.add(KIND, id, { name, key: wrapped })) return derived(name, key)
  }
}

function unwrap(master: Seal, { id, value }: Saved): SubjectKey {
  const [name, wrapped] = [own(value, 'name'), own(value, 'key')]
  if (typeof name === 'string' && typeof wrapped === 'string') {
    const key = master.open(wrapFor(id, name), wrapped)
    if (key !== undefined) return derived(name, Buffer.from(key, 'base64url'))
  }
  throw new Fault(
    'store/unavailable',
    'keys/subjects.key is not the key that the keys of subjects are wrapped with. Restore the one that was there before.',
  )
}

const wrapFor = (id: string, name: string): string => `subject key ${name} of ${id}`

/** RFC 5869: what salts digests and what seals payloads tell nothing of each other. */
function derived(id: string, key: Buffer): SubjectKey {
  const under = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', key, '', `countersign ${use}`, KEY_BYTES))
  const salt = under('digests')
  return {
    id,
    salt: createSecretKey(salt),
    digest: hmacUnder(salt),
    seal: createSecretKey(under('payloads')),
  }
}

/** Any text may be a subject; a record has a short name. */
const idOf = (subject: string): string => createHash('sha256').update(subject).digest('base64url')

const unavailable = (cause: unknown): Fault =>
  cause instanceof Fault
    ? cause
    : new Fault(
        'ledger/unavailable',
        'Nothing was executed: the ledger cannot be written at the moment. Try again later; the operator sees why.',
        { cause },
      )
