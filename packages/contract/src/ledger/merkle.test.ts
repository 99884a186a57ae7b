import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  nodeHash,
  type Hash,
  type NodeAt,
} from './merkle.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The leaves that the reference implementations of RFC 6962 test with (certificate-transparency). */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

test('the roots of the reference leaves are those of the reference', () => {
  assert.equal(hex(EMPTY_ROOT), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  const tree = new Frontier()
  for (const [at, leaf] of LEAVES.entries()) {
    tree.append(leafHash(Buffer.from(leaf, 'hex')))
    assert.equal(hex(tree.root()), ROOTS[at])
  }
})

/** A tree of so many leaves with every root on the way. */
function treeOf(size: number): {
  readonly leaves: readonly Hash[]
  readonly roots: readonly Hash[]
  readonly nodeAt: NodeAt
} {
  const tree = new Frontier()
  const nodes = new Map<string, Hash>()
  const roots = [tree.root()]
  const leaves = Array.from({ length: size }, (_, at) => leafHash(Buffer.from(`entry ${at}`)))
  for (const leaf of leaves) {
    for (const { level, index, hash } of tree.append(leaf)) nodes.set(`${level} ${index}`, hash)
    roots.push(tree.root())
  }
  const nodeAt: NodeAt = (level, index) => {
    const hash = nodes.get(`${level} ${index}`)
    assert.ok(hash, `no node ${level} ${index}`)
    return hash
  }
  return { leaves, roots, nodeAt }
}

const SIZE = 70
const { leaves, roots, nodeAt } = treeOf(SIZE)
const root = (size: number): Hash => roots[size] ?? EMPTY_ROOT
const leaf = (index: number): Hash => leaves[index] ?? EMPTY_ROOT
const flipped = (hash: Hash): Hash => hash.map((byte, at) => (at === 7 ? byte ^ 1 : byte))

test('every entry is proved to be in every later tree, by no more hashes than the tree is high', () => {
  for (let size = 1; size <= SIZE; size++) {
    for (let index = 0; index < size; index++) {
      const path = inclusionProof(nodeAt, index, size)
      assert.ok(path.length <= Math.ceil(Math.log2(size)))
      assert.ok(isIncluded(leaf(index), index, { size, root: root(size) }, path))
    }
  }
})

test('every tree is proved to begin with every earlier one', () => {
  for (let newer = 1; newer <= SIZE; newer++) {
    for (let older = 1; older <= newer; older++) {
      const proof = consistencyProof(nodeAt, older, newer)
      const heads = [
        { size: older, root: root(older) },
        { size: newer, root: root(newer) },
      ] as const
      assert.ok(isConsistent(...heads, proof), `${older} of ${newer}`)
    }
  }
})

test('a proof proves nothing else', () => {
  const sizes = fc.integer({ min: 2, max: SIZE })
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), fc.nat(), (size, a, b, c) => {
      const index = a % size
      const path = inclusionProof(nodeAt, index, size)
      const head = { size, root: root(size) }
      const other = (index + 1 + (b % (size - 1))) % size
      assert.ok(!isIncluded(leaf(other), index, head, path))
      assert.ok(!isIncluded(leaf(index), other, head, path))
      assert.ok(!isIncluded(leaf(index), index, { size, root: root(size - 1) }, path))
      assert.ok(!isIncluded(leaf(index), index, head, [...path, leaf(0)]))
      assert.ok(!isIncluded(leaf(index), index, head, path.slice(1)))
      const at = c % path.length
      const bent = path.map((hash, place) => (place === at ? flipped(hash) : hash))
      assert.ok(!isIncluded(leaf(index), index, head, bent))
    }),
  )
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), (newer, a, b) => {
      const older = 1 + (a % (newer - 1))
      const proof = consistencyProof(nodeAt, older, newer)
      const [old, now] = [
        { size: older, root: root(older) },
        { size: newer, root: root(newer) },
      ]
      assert.ok(!isConsistent({ ...old, root: flipped(old.root) }, now, proof))
      assert.ok(!isConsistent(old, { ...now, root: flipped(now.root) }, proof))
      assert.ok(!isConsistent(now, old, proof))
      assert.ok(!isConsistent(old, now, proof.slice(1)))
      const at = b % proof.length
      const bent = proof.map((hash, place) => (place === at ? flipped(hash) : hash))
      assert.ok(!isConsistent(old, now, bent))
    }),
  )
})

test('a tree goes on from what was kept of it', () => {
  const tree = new Frontier()
  for (let size = 0; size < SIZE; size++) {
    const again = new Frontier(tree.size, tree.peaks())
    again.append(leaf(size))
    tree.append(leaf(size))
    assert.deepEqual(again.root(), tree.root())
  }
  assert.throws(() => new Frontier(3, [leaf(0)]), RangeError)
  assert.throws(() => inclusionProof(nodeAt, 5, 5), RangeError)
  assert.throws(() => consistencyProof(nodeAt, 0, 5), RangeError)
})

test('no leaf is taken for a node', () => {
  const [left, right] = [leaf(0), leaf(1)]
  assert.notDeepEqual(leafHash(Buffer.concat([left, right])), nodeHash(left, right))
})
