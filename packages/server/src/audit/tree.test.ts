import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '@countersign/contract'
import {
  entryLeaf,
  ExportVerifier,
  isIncluded,
  parseCheckpoint,
  parseNote,
  signersOf,
  type ExportReport,
} from '@countersign/contract/ledger/index'
import type { EntryBody } from '@countersign/contract/ledger/entries'
import { systemWorld } from '#base'
import { openStore, type Store } from '#store'
import { silentLog } from '#telemetry'
import { openLedger, type Ledger } from './ledger.ts'
import { makeSigner } from './signer.ts'
import { PAYLOAD_TABLES } from './sqlite-payloads.ts'
import { LEDGER_TABLES, sqliteLedger } from './sqlite-ledger.ts'
import { openTree, type Tree } from './tree.ts'

const SIGNER = makeSigner(Buffer.alloc(32, 7))

interface Kept extends AsyncDisposable {
  readonly store: Store
  readonly ledger: Ledger
  readonly tree: Tree
}

function open(folder: string, world = systemWorld): Kept {
  const store = openStore(join(folder, 'ledger.db'), [LEDGER_TABLES, PAYLOAD_TABLES])
  const lines = sqliteLedger(store)
  const tree = openTree({ world, log: silentLog, store: lines, signer: SIGNER })
  const ledger = openLedger(systemWorld, lines, 'batched', tree.grew)
  return {
    store,
    ledger,
    tree,
    [Symbol.asyncDispose]: async () => {
      await tree.close()
      store.close()
    },
  }
}

function folderOf(context: { after: (done: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-tree-'))
  context.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** The whole export, page by page, and what a stranger with the key says of it. */
async function audited(tree: Tree, pageSize = 100): Promise<ExportReport & { lines: string[] }> {
  const verifier = new ExportVerifier({ keys: [SIGNER.key] })
  const lines: string[] = []
  for (let from: number | undefined = 0; from !== undefined;) {
    const page = await tree.page(from, pageSize)
    for (const line of page.lines) await verifier.line(line)
    lines.push(...page.lines)
    from = page.next
  }
  return { ...verifier.report(), lines }
}

/** What stands in a body is nothing to the tree. */
const tell = (ledger: Ledger, body: object): Promise<void> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ledger.note('policy.rejected', body as EntryBody<'policy.rejected'>)

const write = async (ledger: Ledger, from: number, to: number): Promise<void> => {
  const notes = Array.from({ length: to - from }, (_, at) =>
    tell(ledger, { n: from + at, z: 'ä "quoted"', a: [1, 2.5, null, { y: 1, x: 'b' }] }),
  )
  await Promise.all(notes)
}

test('what is written is signed for, and its export is found whole', async (context) => {
  await using kept = open(folderOf(context))
  await write(kept.ledger, 0, 700)
  await kept.tree.seal()
  for (const pageSize of [1_000, 64, 7]) {
    const report = await audited(kept.tree, pageSize)
    assert.deepEqual(report.problems, [])
    assert.equal(report.entries, 700)
    assert.equal(report.checkpoints, 3)
  }
})

test('a checkpoint is there by itself, soon after what it covers', async (context) => {
  await using kept = open(folderOf(context))
  await write(kept.ledger, 0, 3)
  const until = AbortSignal.timeout(20_000)
  while ((await kept.tree.note()) === undefined) {
    until.throwIfAborted()
    await systemWorld.wait(20)
  }
  const note = parseNote((await kept.tree.note()) ?? '')
  assert.ok(note)
  assert.equal(parseCheckpoint(note.text)?.size, 3)
  assert.deepEqual(await signersOf(note, [SIGNER.key]), [SIGNER.key])
})

test('signing goes on by itself after many entries came while it was under way', async (context) => {
  const timers = new Set<() => void>()
  const after = (_ms: number, then: () => void): (() => void) => {
    timers.add(then)
    return () => void timers.delete(then)
  }
  const ring = (): void => {
    for (const then of timers) if (timers.delete(then)) then()
  }
  await using kept = open(folderOf(context), { ...systemWorld, after })
  await write(kept.ledger, 0, 1)
  const sealing = kept.tree.seal()
  const writing = write(kept.ledger, 1, 257)
  ring()
  await Promise.all([writing, sealing])
  assert.equal(timers.size, 1)
})

test('every entry is proved by itself, also across kept levels of the tree', async (context) => {
  await using kept = open(folderOf(context))
  await write(kept.ledger, 0, 1_100)
  await kept.tree.seal()
  const leaves = (await audited(kept.tree)).lines
    .map((line) => JSON.parse(line))
    .filter(({ entry }) => entry !== undefined)
    .map(({ entry }) => entryLeaf(entry))
  for (const seq of [1, 2, 255, 256, 257, 511, 512, 768, 1_024, 1_025, 1_100]) {
    const proof = await kept.tree.proof(seq)
    assert.ok(proof)
    const note = parseNote(proof.note)
    const checkpoint = parseCheckpoint(note?.text ?? '')
    assert.ok(checkpoint)
    const leaf = leaves[seq - 1] ?? new Uint8Array()
    assert.ok(isIncluded(leaf, seq - 1, checkpoint, proof.path), `entry ${seq}`)
  }
  assert.equal(await kept.tree.proof(1_101), undefined)
  assert.equal(await kept.tree.proof(0), undefined)
})

test('it goes on where it was, whatever had been signed by then', async (context) => {
  const folder = folderOf(context)
  {
    await using kept = open(folder)
    await write(kept.ledger, 0, 300)
    await kept.tree.seal()
    // Written, and not signed for: the process ends here.
    await write(kept.ledger, 300, 310)
    kept.store.flush()
  }
  await using kept = open(folder)
  await write(kept.ledger, 310, 600)
  await kept.tree.seal()
  const report = await audited(kept.tree)
  assert.deepEqual(report.problems, [])
  assert.equal(report.entries, 600)
})

test('an entry that somebody changes in the file is found, and so is one that is gone', async (context) => {
  const folder = folderOf(context)
  for (const [change, entry] of [
    [`UPDATE entries SET body = replace(body, '"n":17', '"n":71') WHERE seq = 18`, 17],
    [`UPDATE entries SET at = at + 1 WHERE seq = 5`, 4],
    [`UPDATE entries SET kind = 'other' WHERE seq = 300`, 299],
  ] as const) {
    const place = mkdtempSync(join(folder, 'case-'))
    await using kept = open(place)
    await write(kept.ledger, 0, 400)
    await kept.tree.seal()
    kept.store.prepare(change).run()
    const report = await audited(kept.tree)
    assert.ok(!report.isWhole)
    const [problem] = report.problems
    assert.ok((problem?.from ?? -1) <= entry && entry < (problem?.to ?? 0), JSON.stringify(problem))
    // The other part is not suspected.
    assert.equal(report.problems.length, 1)
  }
  await using kept = open(mkdtempSync(join(folder, 'gone-')))
  await write(kept.ledger, 0, 20)
  await kept.tree.seal()
  kept.store.prepare('DELETE FROM entries WHERE seq = 9').run()
  assert.ok(!(await audited(kept.tree)).isWhole)
})

test('what was removed or spoilt in the database is told of in words', async (context) => {
  await using kept = open(folderOf(context))
  await write(kept.ledger, 0, 20)
  await kept.tree.seal()
  kept.store.prepare('DELETE FROM entries WHERE seq = 20').run()
  await assert.rejects(kept.tree.proof(1), Fault)
  kept.store.prepare("UPDATE entries SET body = '{no' WHERE seq = 3").run()
  await assert.rejects(kept.ledger.read({ after: 0 }), /Entry 3 .* is not JSON/)
})

test('what has no canonical form is written all the same, and can be verified', async (context) => {
  await using kept = open(folderOf(context))
  await tell(kept.ledger, { name: 'half \ud800', count: Number.NaN })
  await kept.tree.seal()
  assert.ok((await audited(kept.tree)).isWhole)
})

test('a page that is nowhere is refused', async (context) => {
  await using kept = open(folderOf(context))
  await assert.rejects(kept.tree.page(5, 10), /0 entries/)
  await assert.rejects(kept.tree.page(-1, 10), /entries/)
})
