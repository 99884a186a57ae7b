/**
 * The Merkle tree of the ledger (RFC 9162 §2.1): SHA-256, leaves and nodes told apart by their first
 * byte. Pure: nodes come from wherever they are kept.
 */
import { sha256 } from '@noble/hashes/sha2.js'

/** 32 bytes. */
export type Hash = Uint8Array

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** §2.1.1 */
export const leafHash = (entry: Uint8Array): Hash =>
  sha256.create().update(LEAF).update(entry).digest()

export const nodeHash = (left: Hash, right: Hash): Hash =>
  sha256.create().update(NODE).update(left).update(right).digest()

/** The root of no entries at all. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array())

/** A complete subtree: `level` 0 is a leaf, and `index` counts those of its level from the left. */
export interface TreeNode {
  readonly level: number
  readonly index: number
  readonly hash: Hash
}

/** The hash of a complete subtree, from wherever it is kept. */
export type NodeAt = (level: number, index: number) => Hash

/**
 * All that has to be known of a tree to append to it: the complete subtrees it consists of, largest
 * first. At most 53 of them.
 */
export class Frontier {
  #size: number
  readonly #peaks: { readonly level: number; readonly hash: Hash }[]

  /** `peaks` as `peaks()` of a tree of this size gave them. */
  constructor(size = 0, peaks: readonly Hash[] = []) {
    const levels = levelsOf(size)
    if (levels.length !== peaks.length) throw new RangeError('peaks do not fit the size')
    this.#size = size
    this.#peaks = levels.map((level, at) => ({ level, hash: peaks[at] ?? EMPTY_ROOT }))
  }

  get size(): number {
    return this.#size
  }

  peaks(): readonly Hash[] {
    return this.#peaks.map(({ hash }) => hash)
  }

  /** Appends a leaf; returns the subtrees that it completes, itself first. */
  append(leaf: Hash): readonly TreeNode[] {
    const made: TreeNode[] = [{ level: 0, index: this.#size, hash: leaf }]
    let node = { level: 0, hash: leaf }
    for (let last = this.#peaks.at(-1); last?.level === node.level; last = this.#peaks.at(-1)) {
      this.#peaks.pop()
      node = { level: node.level + 1, hash: nodeHash(last.hash, node.hash) }
      made.push({ ...node, index: Math.floor(this.#size / 2 ** node.level) })
    }
    this.#peaks.push(node)
    this.#size++
    return made
  }

  root(): Hash {
    const [first, ...rest] = this.#peaks.map(({ hash }) => hash).toReversed()
    if (!first) return EMPTY_ROOT
    return rest.reduce((right, left) => nodeHash(left, right), first)
  }
}

/** The levels of the complete subtrees of a tree of this size, largest first. */
function levelsOf(size: number): readonly number[] {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('not a size')
  const bits = size.toString(2)
  return Array.from(bits).flatMap((bit, at) => (bit === '1' ? [bits.length - 1 - at] : []))
}

/** The largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

/** The hash of the entries from `from` up to, and without, `to`. */
function rangeHash(nodeAt: NodeAt, from: number, to: number): Hash {
  const size = to - from
  const level = Math.log2(size)
  if (Number.isInteger(level) && from % size === 0) return nodeAt(level, from / size)
  const split = from + splitOf(size)
  return nodeHash(rangeHash(nodeAt, from, split), rangeHash(nodeAt, split, to))
}

/** §2.1.3.1: what it takes to get from the leaf at `index` to the root of the first `size`. */
export function inclusionProof(nodeAt: NodeAt, index: number, size: number): readonly Hash[] {
  if (!(index >= 0 && index < size)) throw new RangeError('no such entry in a tree of this size')
  const path: Hash[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const split = from + splitOf(to - from)
    const isLeft = index < split
    path.push(isLeft ? rangeHash(nodeAt, split, to) : rangeHash(nodeAt, from, split))
    if (isLeft) to = split
    else from = split
  }
  return path.toReversed()
}

/** §2.1.3.2 */
export function isIncluded(
  leaf: Hash,
  index: number,
  tree: { readonly size: number; readonly root: Hash },
  path: readonly Hash[],
): boolean {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < tree.size)) return false
  let hash = leaf
  const isAtTop = climb(index, tree.size - 1, path, (other, isLeft) => {
    hash = isLeft ? nodeHash(other, hash) : nodeHash(hash, other)
  })
  return isAtTop && isEqual(hash, tree.root)
}

/**
 * Goes up from node `fn` of a level whose last node is `sn`, meeting one hash of the path at each step;
 * `isLeft` says that it stands to the left. True when the path ends where the tree does.
 */
function climb(
  fn: number,
  sn: number,
  path: readonly Hash[],
  meet: (other: Hash, isLeft: boolean) => void,
): boolean {
  for (const other of path) {
    if (sn === 0) return false
    const isLeft = fn % 2 === 1 || fn === sn
    meet(other, isLeft)
    if (isLeft) while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0
}

const half = (value: number): number => Math.floor(value / 2)

/** §2.1.4.1: what it takes to see that the first `older` entries are still the same. */
export function consistencyProof(nodeAt: NodeAt, older: number, newer: number): readonly Hash[] {
  if (!(older > 0 && older <= newer)) throw new RangeError('no older tree of this size')
  const proof: Hash[] = []
  let [from, to] = [0, newer]
  // Whether the older tree is what is left: its root is then known to whoever asks.
  let isWhole = true
  while (older !== to) {
    const split = from + splitOf(to - from)
    if (older <= split) {
      proof.push(rangeHash(nodeAt, split, to))
      to = split
    } else {
      proof.push(rangeHash(nodeAt, from, split))
      from = split
      isWhole = false
    }
  }
  if (!isWhole) proof.push(rangeHash(nodeAt, from, to))
  return proof.toReversed()
}

/** A tree as a checkpoint tells it. */
export interface TreeHead {
  readonly size: number
  readonly root: Hash
}

/** §2.1.4.2: whether the newer tree begins with the older one. */
export function isConsistent(older: TreeHead, newer: TreeHead, proof: readonly Hash[]): boolean {
  if (older.size > newer.size || older.size < 1) return false
  if (older.size === newer.size) return proof.length === 0 && isEqual(older.root, newer.root)
  const isPowerOfTwo = Number.isInteger(Math.log2(older.size))
  const [first, ...rest] = isPowerOfTwo ? [older.root, ...proof] : proof
  if (!first) return false
  let [fn, sn] = [older.size - 1, newer.size - 1]
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)]
  let [old, now] = [first, first]
  const isAtTop = climb(fn, sn, rest, (other, isLeft) => {
    if (isLeft) old = nodeHash(other, old)
    now = isLeft ? nodeHash(other, now) : nodeHash(now, other)
  })
  return isAtTop && isEqual(old, older.root) && isEqual(now, newer.root)
}

export const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at])
