import {
  consistencyProof,
  EXPORT_FORMAT,
  Frontier,
  inclusionProof,
  nodeHash,
  toBase64,
  type Hash,
  type NodeAt,
  type NoteKey,
  type TreeNode,
} from '@countersign/contract/ledger/index'
import { Fault } from '@countersign/contract'
import type { World } from '#base'
import type { Log } from '#telemetry'
import { leafOf, leafText } from './leaf.ts'
import type { LedgerStore, StoredCheckpoint } from './ledger-store.ts'
import type { Signer } from './signer.ts'

/** Entries that are on disk become part of what is signed after this long at most, or this many. */
const SEAL_MS = 1_000
const SEAL_ENTRIES = 256
/** How long signing waits for entries that are written behind. */
const BEHIND_MS = 20
/** After a failure, for instance of the disk. */
const AGAIN_MS = 5_000
/** Of the inner nodes every eighth level is kept: the rest is computed from 256 hashes at most. */
const KEPT_LEVELS = 8

export interface Proof {
  readonly index: number
  readonly size: number
  readonly path: readonly Hash[]
  /** The checkpoint that the proof leads to. */
  readonly note: string
}

export interface ExportPage {
  readonly lines: readonly string[]
  /** Where the next page begins; undefined when this one has the end. */
  readonly next: number | undefined
}

/**
 * The Merkle tree over the entries, in their order, and the checkpoints signed over it. It follows
 * what is on disk: an entry never waits for it, and a crash loses nothing but checkpoints, which
 * come out the same again.
 */
export interface Tree {
  readonly origin: string
  /** The one that signs from now on. */
  readonly key: NoteKey
  /** Something is about to be on disk. */
  readonly grew: () => void
  /** Signs for everything that is on disk by now. */
  readonly seal: () => Promise<void>
  /** The newest checkpoint, as a signed note; undefined before the first. */
  readonly note: () => Promise<string | undefined>
  /** Undefined until a checkpoint covers the entry with this number (from 1). */
  readonly proof: (seq: number) => Promise<Proof | undefined>
  /** That the tree of `older` entries is what the one of `newer` begins with (RFC 9162 §2.1.4). */
  readonly consistency: (older: number, newer: number) => Promise<readonly Hash[]>
  /** Resolves when something is signed here next. */
  readonly signed: () => Promise<void>
  /** Lines of the export format, from the entry at `from` (counted from 0). */
  readonly page: (from: number, entriesMax: number) => Promise<ExportPage>
  /** How far what is on disk is signed for, and since when the first entry waits that is not. */
  readonly standing: () => Promise<Standing>
  readonly close: () => Promise<void>
}

interface Standing {
  readonly entries: number
  readonly signed: number
  readonly waitsSince: number | undefined
}

export interface TreeRooms {
  readonly world: World
  readonly log: Log
  readonly store: LedgerStore
  readonly signer: Signer
}

export const openTree = (rooms: TreeRooms): Tree => new SignedTree(rooms)

class SignedTree implements Tree {
  readonly origin: string
  readonly #rooms: TreeRooms
  /** As far as it was signed here; others may have signed more. */
  #frontier = new Frontier()
  /** Entries that were announced and are not signed for. */
  #grown = 0
  #stop: (() => void) | undefined
  #sealing: Promise<void> | undefined
  #signed = Promise.withResolvers<void>()

  constructor(rooms: TreeRooms) {
    this.#rooms = rooms
    this.origin = rooms.signer.origin
  }

  get key(): NoteKey {
    return this.#rooms.signer.key
  }

  readonly grew = (): void => {
    this.#grown++
    if (this.#grown === SEAL_ENTRIES) {
      this.#stop?.()
      this.#wait(0)
    } else if (!this.#sealing && !this.#stop) this.#wait(SEAL_MS)
  }

  seal(): Promise<void> {
    this.#sealing ??= this.#sealAll().finally(() => {
      this.#sealing = undefined
      if (this.#grown > 0 && !this.#stop) this.#wait(SEAL_MS)
    })
    return this.#sealing
  }

  async note(): Promise<string | undefined> {
    return (await this.#rooms.store.newestCheckpoint())?.note
  }

  async proof(seq: number): Promise<Proof | undefined> {
    const { store } = this.#rooms
    const covering = seq < 1 ? undefined : await store.covering(seq)
    if (!covering) return undefined
    const { size, note } = covering
    const [index, path] = [seq - 1, await pathOf(store, seq - 1, size)]
    return { index, size, path, note }
  }

  async standing(): Promise<Standing> {
    const { store } = this.#rooms
    const signed = (await store.newestCheckpoint())?.size ?? 0
    const [first] = await store.after(signed, 1)
    const [newest] = first ? await store.newest(1) : []
    return { signed, entries: newest?.seq ?? signed, waitsSince: first?.at }
  }

  consistency(older: number, newer: number): Promise<readonly Hash[]> {
    return proved(this.#rooms.store, (nodeAt) => consistencyProof(nodeAt, older, newer))
  }

  signed(): Promise<void> {
    return this.#signed.promise
  }

  page(from: number, entriesMax: number): Promise<ExportPage> {
    return pageOf(this.#rooms.store, this.origin, from, entriesMax)
  }

  async close(): Promise<void> {
    try {
      await this.seal()
    } finally {
      this.#stop?.()
    }
  }

  #wait(ms: number): void {
    this.#stop = this.#rooms.world.after(ms, () => {
      this.#stop = undefined
      this.seal().catch((cause: unknown) => {
        this.#rooms.log.error({ cause: String(cause) }, 'the ledger could not be signed')
        this.#grown++
        this.#stop?.()
        this.#wait(AGAIN_MS)
      })
    })
  }

  async #sealAll(): Promise<void> {
    this.#grown = 0
    this.#stop?.()
    this.#stop = undefined
    // Behind, so that calls go on meanwhile: done when all that was handed in by now is on disk.
    await this.#rooms.store.commit(() => undefined, BEHIND_MS)
    while (await this.#sealSome());
  }

  /** Signs for the next entries. True when there may be more. */
  async #sealSome(): Promise<boolean> {
    const { store, signer, world } = this.#rooms
    const signed = await store.newestCheckpoint()
    // The first time here, or another process signed meanwhile.
    if (signed && signed.size !== this.#frontier.size) this.#frontier = frontierOf(signed)
    const lines = await store.after(this.#frontier.size, SEAL_ENTRIES)
    if (lines.length === 0) return false
    const grown = new Frontier(this.#frontier.size, this.#frontier.peaks())
    const kept: TreeNode[] = []
    for (const line of lines) {
      for (const node of grown.append(leafOf(leafText(line))))
        if (isKept(node.level)) kept.push(node)
    }
    const { size } = grown
    const note = signer.note({ size, root: grown.root() })
    const at = world.now()
    // Not behind: what is signed, and perhaps shown to somebody, must be on disk with all before it.
    await store.commit((pen) => {
      for (const { level, index, hash: node } of kept) pen.keep(level, index, node)
      pen.sign({ size, at, note, peaks: Buffer.concat(grown.peaks()) })
    })
    this.#frontier = grown
    this.#signed.resolve()
    this.#signed = Promise.withResolvers()
    return lines.length === SEAL_ENTRIES
  }
}

const isKept = (level: number): boolean => level > 0 && level % KEPT_LEVELS === 0

const HASH_BYTES = 32

const hashesIn = (peaks: Uint8Array): readonly Hash[] =>
  Array.from({ length: peaks.length / HASH_BYTES }, (_, at) =>
    peaks.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  )

const frontierOf = ({ size, peaks }: StoredCheckpoint): Frontier =>
  new Frontier(size, hashesIn(peaks))

/** A proof of so many hashes as a tree is high. */
type Prove = (nodeAt: NodeAt) => readonly Hash[]

/** What leads from the entry at `index` to the root of the first `size`. */
const pathOf = (store: LedgerStore, index: number, size: number): Promise<readonly Hash[]> =>
  proved(store, (nodeAt) => inclusionProof(nodeAt, index, size))

async function proved(store: LedgerStore, prove: Prove): Promise<readonly Hash[]> {
  // The proof is put together at once, so the subtrees that it asks for are read before.
  const wanted: (readonly [level: number, place: number])[] = []
  prove((level, place) => {
    wanted.push([level, place])
    return EMPTY
  })
  const found = await Promise.all(wanted.map(([level, place]) => nodeOf(store, level, place)))
  // It asks for the same ones again, in the same order.
  const next = found.values()
  return prove(() => next.next().value ?? EMPTY)
}

const EMPTY = new Uint8Array(HASH_BYTES)

/** A complete subtree: a kept one as it is, another from the kept ones or the entries below it. */
async function nodeOf(store: LedgerStore, level: number, place: number): Promise<Hash> {
  const base = level - (level % KEPT_LEVELS)
  const count = 2 ** (level - base)
  const below =
    base === 0
      ? (await store.after(place * count, count)).map((line) => leafOf(leafText(line)))
      : await store.nodes(base, place * count, count)
  if (below.length !== count) throw tampered()
  return rootOf(below)
}

const tampered = (): Fault =>
  new Fault(
    'store/unavailable',
    'The ledger does not hold what was signed: entries were removed from its database. "countersign ledger export" and "countersign verify" say which.',
  )

/** Of as many as a power of two. */
function rootOf(hashes: readonly Hash[]): Hash {
  const [first = EMPTY, second] = hashes
  if (second === undefined) return first
  const half = hashes.length / 2
  return nodeHash(rootOf(hashes.slice(0, half)), rootOf(hashes.slice(half)))
}

async function pageOf(
  store: LedgerStore,
  origin: string,
  from: number,
  entriesMax: number,
): Promise<ExportPage> {
  const signed = (await store.newestCheckpoint())?.size ?? 0
  if (!(Number.isSafeInteger(from) && from >= 0 && from <= signed)) {
    throw new Fault('rpc/bad-params', `The ledger has ${String(signed)} entries that are signed.`)
  }
  const lines = from === 0 ? [JSON.stringify({ ledger: EXPORT_FORMAT, origin })] : []
  const to = Math.min(signed, from + entriesMax)
  const passed = await store.between(from + 1, to)
  const checkpoints = new Map(passed.map((one) => [one.size, one]))
  for (const [at, line] of (await store.after(from, to - from)).entries()) {
    const n = from + at
    const text = leafText(line)
    lines.push(`{"n":${String(n)},"leaf":"${toBase64(leafOf(text))}","entry":${text}}`)
    const checkpoint = checkpoints.get(n + 1)
    if (checkpoint) lines.push(checkpointLine(checkpoint))
  }
  if (to < signed) return { lines, next: to }
  return { lines: [...lines, JSON.stringify({ end: signed })], next: undefined }
}

const checkpointLine = ({ note, peaks }: StoredCheckpoint): string =>
  JSON.stringify({ checkpoint: note, peaks: hashesIn(peaks).map(toBase64) })
