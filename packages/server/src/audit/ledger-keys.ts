import { join } from 'node:path'
import { Fault, textAt } from '@countersign/contract'
import {
  formatKey,
  formatNote,
  handoverText,
  parseCheckpoint,
  parseNote,
  signersOf,
  type NoteKey,
} from '@countersign/contract/ledger/index'
import { hasKeyFile, keyFile, moveKeyFile, removeKeyFile, type World } from '#base'
import type { Records } from '#store'
import type { Ledger } from './ledger.ts'
import type { LedgerStore } from './ledger-store.ts'
import { keyPair, makeSigner, signatureLine, type KeyPair, type Signer } from './signer.ts'
import type { Tree } from './tree.ts'

export interface KeyRooms {
  readonly world: World
  /** Where the keys are. */
  readonly folder: string
  readonly store: LedgerStore
  readonly records: Records
}

/** The key that signs, the one that is about to, and the one that replaces a key that is lost. */
const FILE = 'ledger.key'
const NEXT = 'ledger.next.key'
export const LOST = 'ledger.lost.key'
/** What stood in the place of a key, and was not it. */
const UNFIT = 'ledger.unfit.key'

const KIND = 'LedgerKey'
const KEYS_MAX = 1_000

/**
 * Whoever signs this ledger. A ledger that was signed is never given another key in silence: what was
 * signed with the one before would stand alone (AU-021).
 */
export async function openSigner(rooms: KeyRooms): Promise<Signer> {
  const { world, folder, store } = rooms
  const path = join(folder, FILE)
  const newest = await store.newestCheckpoint()
  const note = newest && parseNote(newest.note)
  const origin = note && parseCheckpoint(note.text)?.origin
  if (!note || origin === undefined) return makeSigner(keyFile(world, path))
  if (!hasKeyFile(path)) return instead(rooms, origin, gone(path))
  const signer = makeSigner(keyFile(world, path), origin)
  const isFit =
    (await signersOf(note, [signer.key])).length > 0 || (await isKnown(rooms, signer.key))
  if (!isFit || (await isReplaced(rooms, signer.key))) return instead(rooms, origin, unfit(path))
  const lost = join(folder, LOST)
  if (!hasKeyFile(lost)) return signer
  // Made by whoever was mistaken, and never used.
  removeKeyFile(lost)
  throw notLost()
}

/** The key that replaces a lost one, where somebody has said that it is. @throws `why` otherwise */
function instead({ world, folder }: KeyRooms, origin: string, why: Fault): Signer {
  const [path, lost] = [join(folder, FILE), join(folder, LOST)]
  if (!hasKeyFile(lost)) throw why
  if (hasKeyFile(path)) moveKeyFile(path, join(folder, UNFIT))
  return makeSigner(keyFile(world, lost), origin)
}

const isKnown = async ({ records }: KeyRooms, key: NoteKey): Promise<boolean> =>
  (await records.get(KIND, formatKey(key))) !== undefined

/** Another node may sign with it until it starts again (ND-008); and here what a crash cut off begins with it. */
async function isReplaced({ folder, records }: KeyRooms, key: NoteKey): Promise<boolean> {
  if (hasKeyFile(join(folder, NEXT))) return false
  const known = await records.list(KIND, { limit: KEYS_MAX })
  const before = handoverText({ origin: key.name, before: key, key }).split('\n')[2] ?? ''
  return known.some(({ value }) => textAt(value, 'handover').split('\n')[2] === before)
}

const LOST_WORDS =
  'or, if it is lost for good, run "countersign ledger rotate-key --lost": the ledger goes on with another key, and only witnesses speak for what came before.'

const gone = (path: string): Fault =>
  new Fault(
    'store/unavailable',
    `${path} is gone, and this ledger was signed with it. Restore it from a backup; ${LOST_WORDS}`,
  )
const unfit = (path: string): Fault =>
  new Fault(
    'store/unavailable',
    `${path} is not the key that this ledger was signed with last. Restore that one from a backup, or from the node on which it was replaced; ${LOST_WORDS}`,
  )
const notLost = (): Fault =>
  new Fault(
    'rpc/bad-params',
    'The key of this ledger is not lost: it is in its place. Run "countersign ledger rotate-key" without --lost.',
  )

export interface RotateRooms extends KeyRooms {
  readonly signer: Signer
  readonly ledger: Ledger
  readonly tree: Tree
}

export interface Rotated {
  readonly origin: string
  readonly key: string
  readonly before: string | undefined
}

/** The keys of a ledger, over its life. */
export interface LedgerKeys {
  /** The next checkpoint is signed by another key, for which the one of now has signed (AU-020). */
  readonly rotate: (by: string) => Promise<Rotated>
  /** The notes by which each key took over from the one before: what leads from an old key to this one. */
  readonly handovers: () => Promise<readonly string[]>
}

/** Goes on with what a crash interrupted: each step can be done again. */
export async function openLedgerKeys(rooms: RotateRooms): Promise<LedgerKeys> {
  const { world, folder, signer, records } = rooms
  const [next, lost] = [join(folder, NEXT), join(folder, LOST)]
  if (hasKeyFile(lost)) await replace(rooms, { file: lost, before: undefined, by: 'operator' })
  const rotate = (by: string): Promise<Rotated> =>
    replace(rooms, { file: next, before: signer.key, by })
  if (hasKeyFile(next)) await rotate('restart')
  let rotating: Promise<Rotated> | undefined
  return {
    rotate: (by) => {
      keyFile(world, next)
      rotating ??= rotate(by).finally(() => {
        rotating = undefined
      })
      return rotating
    },
    handovers: async () => {
      const known = await records.list(KIND, { limit: KEYS_MAX })
      return known
        .toSorted((one, other) => Number(one.value['at']) - Number(other.value['at']))
        .flatMap(({ value }) => (typeof value['handover'] === 'string' ? [value['handover']] : []))
    },
  }
}

interface Replacing {
  readonly file: string
  readonly before: NoteKey | undefined
  readonly by: string
}

/**
 * The file of the new key is there; then both sign for the change; then that stands in the ledger, under
 * a checkpoint of the old one; only then does the new one take its place. A crash leaves a file that says
 * what is to be done: all of it, once more (AU-022).
 */
async function replace(rooms: RotateRooms, { file, before, by }: Replacing): Promise<Rotated> {
  const { world, folder, signer, ledger, records } = rooms
  const { origin } = signer
  const pair = keyPair(keyFile(world, file))
  const key: NoteKey = { name: origin, key: pair.publicKey }
  const text = handoverText({ origin, before, key })
  const handover = formatNote({ text, signatures: linesOf(signer, pair, text, before) })
  const told = { key: formatKey(key), handover, by }
  await ledger.note('ledger.key', {
    ...told,
    ...(before ? { before: formatKey(before) } : { isLost: true }),
  })
  await untilSigned(rooms, told.key)
  await records.put(KIND, told.key, { at: world.now(), ...(before ? { handover } : {}) })
  moveKeyFile(file, join(folder, FILE))
  signer.use(pair)
  return { origin, key: told.key, before: before && formatKey(before) }
}

const linesOf = (signer: Signer, pair: KeyPair, text: string, before: NoteKey | undefined) => {
  const own = signatureLine(signer.origin, pair, text)
  return before ? [signer.line(text), own] : [own]
}

const TRIES = 3
const LOOKED_AT = 1_000

/** What could not be written is owed, and not there: then nothing is replaced. */
async function untilSigned({ store, tree }: RotateRooms, key: string): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    await tree.seal()
    const lines = await store.newest(LOOKED_AT)
    const line = lines.findLast(({ kind, body }) => kind === 'ledger.key' && body.includes(key))
    if (line && (await store.covering(line.seq))) return
  }
  throw new Fault(
    'ledger/unavailable',
    'The new key could not be written into the ledger; the one of now signs on. Run the command again.',
  )
}
