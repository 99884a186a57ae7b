import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { toBase64 } from './base64.ts'
import { checkpointText, parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { entryLeaf, type LedgerEntry } from './entry.ts'
import { handoverText } from './handover.ts'
import { Frontier } from './merkle.ts'
import {
  formatKey,
  formatNote,
  keyIdOf,
  parseNote,
  type NoteKey,
  type SignatureLine,
} from './note.ts'
import { EXPORT_FORMAT, ExportVerifier, KEY_ADDED, type ExportReport } from './verify-export.ts'
import { RECEIPT_FORMAT, verifyReceipt } from './verify-receipt.ts'

const ORIGIN = 'house.example/ledger'

interface Signer {
  readonly key: NoteKey
  readonly privateKey: KeyObject
}
function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: { name: ORIGIN, key: new Uint8Array(raw) }, privateKey }
}
const SIGNER = newSigner()

const noteOf = (checkpoint: Checkpoint, by: Signer): string => {
  const text = checkpointText(checkpoint)
  return formatNote({ text, signatures: [lineOf(text, by)] })
}

const lineOf = (text: string, { key, privateKey }: Signer): SignatureLine => ({
  name: key.name,
  keyId: keyIdOf(key),
  signature: new Uint8Array(sign(null, Buffer.from(text), privateKey)),
})

const entryAt = (n: number): LedgerEntry => ({
  at: 1_700_000_000_000 + n,
  kind: n % 3 === 0 ? 'call.opened' : 'call.closed',
  ...(n % 3 === 2 ? {} : { call: `call-${n}` }),
  body: { principal: 'ada', n, list: [1, { b: 2, a: 'ä' }] },
})

/** An export with a checkpoint after every so many entries. */
function exportOf(entries: readonly LedgerEntry[], every: number, by = SIGNER): string[] {
  const tree = new Frontier()
  const lines = [JSON.stringify({ ledger: EXPORT_FORMAT, origin: ORIGIN })]
  for (const [n, entry] of entries.entries()) {
    const leaf = entryLeaf(entry)
    tree.append(leaf)
    lines.push(JSON.stringify({ n, leaf: toBase64(leaf), entry }))
    if ((n + 1) % every === 0 || n + 1 === entries.length) lines.push(checkpointLine(tree, by))
  }
  return [...lines, JSON.stringify({ end: entries.length })]
}

const checkpointLine = (tree: Frontier, by: Signer): string =>
  JSON.stringify({
    checkpoint: noteOf({ origin: ORIGIN, size: tree.size, root: tree.root() }, by),
    peaks: tree.peaks().map(toBase64),
  })

async function verify(
  lines: readonly string[],
  witnesses: readonly Checkpoint[] = [],
): Promise<ExportReport> {
  const verifier = new ExportVerifier({ keys: [SIGNER.key], witnesses })
  for (const line of lines) await verifier.line(line)
  return verifier.report()
}

const ENTRIES = Array.from({ length: 40 }, (_, n) => entryAt(n))
const LINES = exportOf(ENTRIES, 8)
const isEntryLine = (line: string): boolean => line.startsWith('{"n":')

test('an export that nobody touched is whole', async () => {
  const report = await verify(LINES)
  assert.deepEqual(report.problems, [])
  assert.ok(report.isWhole)
  assert.equal(report.entries, 40)
  assert.equal(report.checkpoints, 5)
  assert.equal(report.head?.size, 40)
  assert.ok((await verify(exportOf([], 8))).isWhole)
})

test('the order of keys and blanks in a line mean nothing', async () => {
  const lines = LINES.map((line) => {
    const value = JSON.parse(line)
    if (value.entry === undefined) return line
    const { entry, n, leaf } = value
    const { body, kind, ...rest } = entry
    return JSON.stringify({ entry: { body, kind, ...rest }, leaf, n }, undefined, 1).replaceAll(
      '\n',
      ' ',
    )
  })
  assert.ok((await verify(lines)).isWhole)
})

const positions = LINES.flatMap((line, at) => (isEntryLine(line) ? [at] : []))
const anEntry = fc.constantFrom(...positions)
/** The entries that a report calls wrong. */
const named = ({ problems }: ExportReport): ReadonlySet<number> =>
  new Set(
    problems.flatMap(({ from = 0, to = 0 }) =>
      Array.from({ length: to - from }, (_, at) => from + at),
    ),
  )
const placeOf = (at: number): number => JSON.parse(LINES[at] ?? '{}').n

test('an entry that is changed is found, and named alone', async () => {
  await fc.assert(
    fc.asyncProperty(anEntry, fc.integer({ min: 1, max: 1_000 }), async (at, by) => {
      const value = JSON.parse(LINES[at] ?? '')
      value.entry.body.n += by
      const report = await verify(LINES.with(at, JSON.stringify(value)))
      assert.ok(!report.isWhole)
      const [first] = report.problems
      assert.deepEqual([first?.from, first?.to], [value.n, value.n + 1])
      // Nothing is said against the parts that other checkpoints cover.
      const part = Math.floor(value.n / 8)
      assert.ok([...named(report)].every((n) => Math.floor(n / 8) === part))
    }),
  )
})

test('an entry that is changed with its hash is found, to the part that one checkpoint covers', async () => {
  await fc.assert(
    fc.asyncProperty(anEntry, async (at) => {
      const value = JSON.parse(LINES[at] ?? '')
      value.entry.kind = 'call.denied'
      value.leaf = toBase64(entryLeaf(value.entry))
      const report = await verify(LINES.with(at, JSON.stringify(value)))
      assert.ok(!report.isWhole)
      assert.ok(named(report).has(value.n))
      assert.ok([...named(report)].every((n) => Math.floor(n / 8) === Math.floor(value.n / 8)))
    }),
  )
})

test('an entry that is dropped, doubled or swapped is found', async () => {
  await fc.assert(
    fc.asyncProperty(anEntry, anEntry, async (at, other) => {
      assert.ok(!(await verify(LINES.toSpliced(at, 1))).isWhole)
      const doubled = await verify(LINES.toSpliced(at, 0, LINES[at] ?? ''))
      assert.ok(!doubled.isWhole)
      const swapped = LINES.with(at, LINES[other] ?? '').with(other, LINES[at] ?? '')
      const report = await verify(swapped)
      assert.equal(report.isWhole, at === other)
      if (at !== other)
        assert.ok(named(report).has(placeOf(at)) && named(report).has(placeOf(other)))
    }),
  )
})

test('a drop, an insertion and a swap are found though every number and hash was made to fit', async () => {
  const forged = (entries: readonly LedgerEntry[]): string[] => {
    const honest = exportOf(entries, 8)
    // The forger has no key: the checkpoints are those of the ledger.
    const notes = LINES.filter((line) => line.startsWith('{"checkpoint"'))
    return honest.map((line) =>
      line.startsWith('{"checkpoint"') ? (notes.shift() ?? '{"checkpoint":""}') : line,
    )
  }
  const at = fc.nat(ENTRIES.length - 2)
  await fc.assert(
    fc.asyncProperty(at, async (n) => {
      assert.ok(!(await verify(forged(ENTRIES.toSpliced(n, 1)))).isWhole)
      assert.ok(!(await verify(forged(ENTRIES.toSpliced(n, 0, entryAt(99))))).isWhole)
      const [one, other] = [entryAt(n), entryAt(n + 1)]
      assert.ok(!(await verify(forged(ENTRIES.with(n, other).with(n + 1, one)))).isWhole)
    }),
  )
})

test('a tail that is cut off is found, wherever the cut is', async () => {
  for (let kept = 0; kept < LINES.length; kept++) {
    assert.ok(!(await verify(LINES.slice(0, kept))).isWhole, `${kept} lines`)
  }
})

test('an export that was cut and closed again fits until a witness has seen more', async () => {
  const shorter = exportOf(ENTRIES.slice(0, 16), 8)
  assert.ok((await verify(shorter)).isWhole)
  const line = LINES.find((one) => one.includes(String.raw`ledger\n24\n`)) ?? '{}'
  const seen = parseCheckpoint(parseNote(JSON.parse(line).checkpoint)?.text ?? '')
  assert.ok(seen)
  assert.equal((await verify(LINES, [seen])).witnessed, 1)
  const report = await verify(shorter, [seen])
  assert.ok(!report.isWhole)
  assert.deepEqual(named(report), new Set([16, 17, 18, 19, 20, 21, 22, 23]))
})

test('a history that the owner of the key wrote anew is found by what a witness has seen', async () => {
  const other = ENTRIES.with(3, entryAt(99))
  const tree = new Frontier()
  for (const entry of ENTRIES.slice(0, 24)) tree.append(entryLeaf(entry))
  const seen = { origin: ORIGIN, size: 24, root: tree.root() }
  assert.ok((await verify(exportOf(other, 8))).isWhole)
  assert.match((await verify(exportOf(other, 8), [seen])).problems[0]?.what ?? '', /witness/)
})

test('only a trusted key counts, or one that it has signed for', async () => {
  const stranger = newSigner()
  const alone = await verify(exportOf(ENTRIES, 8, stranger))
  assert.match(alone.problems[0]?.what ?? '', /No trusted key/)
  const lines = exportOf(ENTRIES.slice(0, 8), 8).slice(0, -1)
  const tree = new Frontier()
  for (const entry of ENTRIES.slice(0, 8)) tree.append(entryLeaf(entry))
  const [before, key] = [SIGNER.key, stranger.key]
  const text = handoverText({ origin: ORIGIN, before, key })
  const handover = formatNote({ text, signatures: [lineOf(text, SIGNER), lineOf(text, stranger)] })
  const body = { key: formatKey(key), before: formatKey(before), handover }
  const added = { at: 1, kind: KEY_ADDED, body }
  const put = (entry: LedgerEntry): string => {
    const leaf = entryLeaf(entry)
    tree.append(leaf)
    return JSON.stringify({ n: tree.size - 1, leaf: toBase64(leaf), entry })
  }
  const handOver = [put(added), checkpointLine(tree, SIGNER)]
  const then = [put(entryAt(50)), checkpointLine(tree, stranger), '{"end":10}']
  assert.deepEqual((await verify([...lines, ...handOver, ...then])).problems, [])
  // Named, and signed for by nobody but itself.
  const seized = [handOver[0] ?? '', ...then]
  assert.ok(!(await verify([...lines, ...seized])).isWhole)
})

test('a checkpoint of another ledger, or none at all, is found', async () => {
  const strange = LINES.map((line) =>
    line.replace(String.raw`"checkpoint":"house`, '"checkpoint":"mouse'),
  )
  assert.ok(!(await verify(strange)).isWhole)
  assert.ok(!(await verify(LINES.filter((line) => !line.startsWith('{"checkpoint"')))).isWhole)
  assert.ok(!(await verify(LINES.with(0, '{"ledger":"other"}'))).isWhole)
})

test('whatever a line holds, it is a problem and never a crash', async () => {
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
  const strange = fc.oneof(fc.string(), fc.json(), fc.constant(`{"entry":${deep}}`))
  await fc.assert(
    fc.asyncProperty(fc.nat(LINES.length - 1), strange, async (at, text) => {
      const report = await verify(LINES.with(at, text))
      // Between the others a checkpoint may be missing: the next one covers the same.
      assert.ok(!report.isWhole || text === LINES[at] || text === '')
    }),
    { numRuns: 300 },
  )
})

test('neither is what is deeper or longer than any entry', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const long = JSON.stringify('AAAA'.repeat(100_000))
  const [note] = LINES.filter((line) => line.startsWith('{"checkpoint"'))
  const checkpoint = JSON.stringify(JSON.parse(note ?? '').checkpoint)
  for (const text of [
    `{"end":${deep}}`,
    `{"entry":{"at":1,"kind":"k","body":{"deep":${deep}}}}`,
    `{"checkpoint":${checkpoint},"peaks":[${long}]}`,
    `{"checkpoint":${long}}`,
  ]) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- One export after the other.
    const { isWhole, problems } = await verify([...LINES.slice(0, 8), text])
    assert.ok(!isWhole)
    assert.ok(problems.every(({ what }) => what.length < 200))
  }
  const path = ['AAAA'.repeat(100_000)]
  const proof = { checkpoint: JSON.parse(checkpoint), path }
  const entries = [{ index: 0, entry: { ...entryAt(0), call: 'c' }, proof }]
  const receipt = { receipt: RECEIPT_FORMAT, call: 'c', entries }
  assert.equal((await verifyReceipt(receipt, [SIGNER.key])).isProved, false)
})

test('a member that is there twice is found, whichever of them is what was hashed', async () => {
  await fc.assert(
    fc.asyncProperty(anEntry, fc.constantFrom('entry', 'kind', 'n'), async (at, member) => {
      const line = LINES[at] ?? ''
      const name = `"${member}":`
      const twice = line.replace(name, () => `${name}"policy \\"said: no",${name}`)
      const { isWhole, problems } = await verify(LINES.with(at, twice))
      assert.ok(!isWhole)
      assert.deepEqual([problems.length, problems[0]?.from], [1, placeOf(at)])
    }),
    { numRuns: 50 },
  )
  const colons = [{ ...entryAt(0), body: { 'a:"b': 'c:"\\', list: [{ ':': ':' }] } }]
  assert.deepEqual((await verify(exportOf(colons, 1))).problems, [])
})
