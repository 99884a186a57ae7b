import { hash } from 'node:crypto'
import type { StatementSync } from 'node:sqlite'
import {
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
import type { Store } from '#store'
import type { Log } from '#telemetry'
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
  readonly key: NoteKey
  /** Something is about to be on disk. */
  readonly grew: () => void
  /** Signs for everything that is on disk by now. */
  readonly seal: () => Promise<void>
  /** The newest checkpoint, as a signed note; undefined before the first. */
  readonly note: () => string | undefined
  /** Undefined until a checkpoint covers the entry with this number (from 1). */
  readonly proof: (seq: number) => Proof | undefined
  /** Lines of the export format, from the entry at `from` (counted from 0). */
  readonly page: (from: number, entriesMax: number) => ExportPage
  readonly close: () => Promise<void>
}

export interface TreeRooms {
  readonly world: World
  readonly log: Log
  readonly store: Store
  readonly signer: Signer
}

export const openTree = (rooms: TreeRooms): Tree => new SignedTree(rooms)

class SignedTree implements Tree {
  readonly origin: string
  readonly key: NoteKey
  readonly #rooms: TreeRooms
  readonly #sql: Statements
  #frontier: Frontier
  /** Entries that were announced and are not signed for. */
  #grown = 0
  #stop: (() => void) | undefined
  #sealing: Promise<void> | undefined

  constructor(rooms: TreeRooms) {
    this.#rooms = rooms
    this.#sql = statements(rooms.store)
    this.#frontier = newest(this.#sql)
    this.origin = rooms.signer.origin
    this.key = rooms.signer.key
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

  note(): string | undefined {
    return textOf(this.#sql.newest.get()?.['note'])
  }

  proof(seq: number): Proof | undefined {
    const covering = this.#sql.covering.get(seq)
    const note = textOf(covering?.['note'])
    if (note === undefined || seq < 1) return undefined
    const [index, size] = [seq - 1, Number(covering?.['size'])]
    return { index, size, path: inclusionProof(nodesOf(this.#sql), index, size), note }
  }

  page(from: number, entriesMax: number): ExportPage {
    return pageOf(this.#sql, this.origin, from, entriesMax)
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
    const rows = this.#sql.entries.all(this.#frontier.size, SEAL_ENTRIES)
    if (rows.length === 0) return false
    const grown = new Frontier(this.#frontier.size, this.#frontier.peaks())
    const kept: TreeNode[] = []
    for (const row of rows) {
      for (const node of grown.append(leafOf(leafText(row))))
        if (isKept(node.level)) kept.push(node)
    }
    const { size } = grown
    const note = signer.note({ size, root: grown.root() })
    const at = world.now()
    // Not behind: what is signed, and perhaps shown to somebody, must be on disk with all before it.
    await store.commit(() => {
      for (const { level, index, hash: node } of kept) this.#sql.keep.run(level, index, node)
      this.#sql.sign.run(size, at, note, Buffer.concat(grown.peaks()))
    })
    this.#frontier = grown
    return rows.length === SEAL_ENTRIES
  }
}

const isKept = (level: number): boolean => level > 0 && level % KEPT_LEVELS === 0

/** As the last checkpoint left it. */
function newest(sql: Statements): Frontier {
  const row = sql.newest.get()
  if (!row) return new Frontier()
  const peaks = bytesOf(row['peaks'])
  const hashes = Array.from({ length: peaks.length / HASH_BYTES }, (_, at) =>
    peaks.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  )
  return new Frontier(Number(row['size']), hashes)
}

const HASH_BYTES = 32

/** Complete subtrees: kept ones as they are, the rest from those below them. */
function nodesOf(sql: Statements): NodeAt {
  const nodeAt: NodeAt = (level, index) => {
    if (isKept(level)) return bytesOf(sql.node.get(level, index)?.['hash'])
    if (level > 0) return nodeHash(nodeAt(level - 1, index * 2), nodeAt(level - 1, index * 2 + 1))
    const [row] = sql.entries.all(index, 1)
    if (!row) throw new Error(`the ledger has no entry ${String(index + 1)}`)
    return leafOf(leafText(row))
  }
  return nodeAt
}

type Row = Readonly<Record<string, unknown>>

/**
 * The canonical JSON of an entry (RFC 8785), put together from what is stored: bodies are written
 * canonically, and these are the keys in their order.
 */
function leafText({ at, kind, call, body }: Row): string {
  const called = call === null ? '' : `"call":${JSON.stringify(call)},`
  return `{"at":${String(at)},"body":${String(body)},${called}"kind":${JSON.stringify(kind)}}`
}

/** RFC 9162 §2.1.1; the NUL is the byte that tells a leaf from a node. */
const leafOf = (text: string): Hash => new Uint8Array(hash('sha256', `\0${text}`, 'buffer'))

function pageOf(sql: Statements, origin: string, from: number, entriesMax: number): ExportPage {
  const signed = Number(sql.newest.get()?.['size'] ?? 0)
  if (!(Number.isSafeInteger(from) && from >= 0 && from <= signed)) {
    throw new Fault('rpc/bad-params', `The ledger has ${String(signed)} entries that are signed.`)
  }
  const lines = from === 0 ? [JSON.stringify({ ledger: EXPORT_FORMAT, origin })] : []
  const to = Math.min(signed, from + entriesMax)
  const checkpoints = new Map(
    sql.between.all(from + 1, to).map((row) => [Number(row['size']), row]),
  )
  for (const [at, row] of sql.entries.all(from, to - from).entries()) {
    const n = from + at
    const text = leafText(row)
    lines.push(`{"n":${String(n)},"leaf":"${toBase64(leafOf(text))}","entry":${text}}`)
    const checkpoint = checkpoints.get(n + 1)
    if (checkpoint) lines.push(checkpointLine(checkpoint))
  }
  if (to < signed) return { lines, next: to }
  return { lines: [...lines, JSON.stringify({ end: signed })], next: undefined }
}

function checkpointLine({ note, peaks }: Row): string {
  const bytes = bytesOf(peaks)
  const hashes = Array.from({ length: bytes.length / HASH_BYTES }, (_, at) =>
    toBase64(bytes.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES)),
  )
  return JSON.stringify({ checkpoint: note, peaks: hashes })
}

const statements = (store: Store): Statements => ({
  entries: store.prepare('SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?'),
  newest: store.prepare('SELECT * FROM checkpoints ORDER BY size DESC LIMIT 1'),
  covering: store.prepare('SELECT * FROM checkpoints WHERE size >= ? ORDER BY size LIMIT 1'),
  between: store.prepare('SELECT * FROM checkpoints WHERE size BETWEEN ? AND ? ORDER BY size'),
  node: store.prepare('SELECT hash FROM tree_nodes WHERE level = ? AND place = ?'),
  keep: store.prepare('INSERT INTO tree_nodes (level, place, hash) VALUES (?, ?, ?)'),
  sign: store.prepare('INSERT INTO checkpoints (size, at, note, peaks) VALUES (?, ?, ?, ?)'),
})
type StatementName = 'entries' | 'newest' | 'covering' | 'between' | 'node' | 'keep' | 'sign'
type Statements = Readonly<Record<StatementName, StatementSync>>

const textOf = (column: unknown): string | undefined =>
  typeof column === 'string' ? column : undefined
const bytesOf = (column: unknown): Uint8Array =>
  column instanceof Uint8Array ? column : new Uint8Array()
