// What every store of the ledger does, whatever it is made of.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ExportVerifier, type ExportReport } from '@countersign/contract/ledger/index'
import { systemWorld } from '#base'
import { makeSigner, openLedger, openTree, type LedgerStore, type Opening, type Tree } from '#audit'
import { silentLog } from '#telemetry'

export const SIGNER = makeSigner(Buffer.alloc(32, 7))

export const openingOf = (call: string, more: Partial<Opening> = {}): Opening => ({
  call,
  principal: 'local',
  client: 'test',
  view: '',
  server: 'files',
  method: 'tools/call',
  name: 'tool',
  effect: 'write',
  decision: { kind: 'allow', policies: [] },
  arguments: 'sha256:0',
  round: 1,
  ...more,
})

export const treeOver = (store: LedgerStore): Tree =>
  openTree({ world: systemWorld, log: silentLog, store, signer: SIGNER })

/** The whole export, page by page, and what a stranger with the key says of it. */
export async function audited(tree: Tree, pageSize = 100): Promise<ExportReport> {
  const verifier = new ExportVerifier({ keys: [SIGNER.key] })
  for (let from: number | undefined = 0; from !== undefined;) {
    const page = await tree.page(from, pageSize)
    for (const line of page.lines) await verifier.line(line)
    from = page.next
  }
  return verifier.report()
}

const noteOf = (text: string) => ({ kind: 'story', body: JSON.stringify({ text }) })

export function ledgerSuite(name: string, open: () => Promise<LedgerStore>): void {
  describe(`the ledger on ${name}`, () => {
    it('numbers lines from 1 without gaps, and keeps those of one write together', async () => {
      const store = await open()
      const writers = Array.from({ length: 20 }, (_, writer) =>
        Promise.all(
          Array.from({ length: 10 }, (_one, at) =>
            store.commit((pen) => {
              const { kind, body } = noteOf(`${String(writer)} ${String(at)}`)
              pen.append(1, kind, `c${String(writer)}`, body)
              pen.append(2, kind, `c${String(writer)}`, body)
            }),
          ),
        ),
      )
      await Promise.all(writers)
      const lines = await store.after(0, 1_000)
      assert.deepEqual(
        lines.map(({ seq }) => seq),
        Array.from({ length: 400 }, (_, at) => at + 1),
      )
      for (let at = 0; at < lines.length; at += 2) {
        assert.equal(lines[at]?.body, lines[at + 1]?.body)
        assert.deepEqual([lines[at]?.at, lines[at + 1]?.at], [1, 2])
      }
    })

    it('leaves nothing of a write that fails, and hears of it alone', async () => {
      const store = await open()
      const answers = await Promise.allSettled([
        store.commit((pen) => {
          pen.append(1, 'story', null, '{"n":1}')
        }),
        store.commit((pen) => {
          pen.append(1, 'story', 'lost', '{}')
          throw new Error('no')
        }),
        store.commit((pen) => {
          pen.append(1, 'story', null, '{"n":2}')
        }),
      ])
      assert.deepEqual(
        answers.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
      )
      assert.deepEqual(
        (await store.after(0, 10)).map(({ seq, body }) => [seq, body]),
        [
          [1, '{"n":1}'],
          [2, '{"n":2}'],
        ],
      )
    })

    it('tells of calls and runs what was written of them', async () => {
      const ledger = openLedger(systemWorld, await open(), 'ahead')
      const first = await ledger.open(openingOf('call1', { run: 'trip' }))
      await ledger.close(first, { outcome: 'answered', isError: false, durationMs: 1 })
      const round = await ledger.open(openingOf('call1.2-x', { round: 2, run: 'trip' }))
      await ledger.close(round, { outcome: 'answered', isError: false, durationMs: 1 })
      const other = await ledger.open(openingOf('call10', { run: 'trip', effect: 'read' }))
      await ledger.close(other, { outcome: 'failed', reason: 'ä "quoted" \u0000', durationMs: 1 })
      assert.deepEqual(
        (await ledger.of('call1')).map(({ seq, kind, call }) => [seq, kind, call]),
        [
          [1, 'call.opened', 'call1'],
          [2, 'call.closed', 'call1'],
          [3, 'call.opened', 'call1.2-x'],
          [4, 'call.closed', 'call1.2-x'],
        ],
      )
      assert.equal((await ledger.read({ last: 1 }))[0]?.body['reason'], 'ä "quoted" \u0000')
      assert.deepEqual(
        (await ledger.read({ after: 4 })).map(({ seq }) => seq),
        [5, 6],
      )
      assert.deepEqual(await ledger.named('call1', 10), ['call1', 'call10'])
      const run = { principal: 'local', run: 'trip' }
      assert.deepEqual(await ledger.inRun(run, 10), ['call1', 'call10'])
    })

    it('keeps what calls carried beside their lines', async () => {
      const { payloads, commit } = await open()
      const sealed = (byte: number): Uint8Array => new Uint8Array([0, byte, 255])
      await commit((pen) => {
        pen.append(1, 'call.opened', 'c1', '{}')
        pen.carry({ call: 'c1', part: 'arguments', key: 'k1', until: 10, sealed: sealed(1) })
        pen.carry({ call: 'c1', part: 'arguments', key: 'k1', until: 11, sealed: sealed(2) })
        pen.carry({ call: 'c1.2-x', part: 'result', key: 'k2', until: 20, sealed: sealed(3) })
      })
      const [one] = await payloads.of('c1')
      assert.deepEqual([...(one?.sealed ?? [])], [0, 2, 255])
      assert.deepEqual([one?.until, one?.key], [11, 'k1'])
      assert.equal((await payloads.of('c1')).length, 2)
      assert.deepEqual([await payloads.bytes(), await payloads.countOf('k1')], [6, 1])
      assert.deepEqual(await payloads.sweep(11, 100), { count: 1, bytes: 3 })
      assert.deepEqual(await payloads.drop('k2', 100), { count: 1, bytes: 3 })
      assert.deepEqual(await payloads.of('c1'), [])
    })

    it('is signed for, and its export is found whole', async () => {
      const store = await open()
      const tree = treeOver(store)
      for (let at = 0; at < 7; at++) {
        await store.commit((pen) => {
          for (let line = 0; line < 100; line++) pen.append(line, 'story', null, `{"n":${line}}`)
        })
      }
      await tree.seal()
      assert.equal(await treeOver(store).note(), await tree.note())
      for (const pageSize of [1_000, 7]) {
        const report = await audited(tree, pageSize)
        assert.deepEqual(report.problems, [])
        assert.deepEqual([report.entries, report.checkpoints], [700, 3])
      }
      for (const seq of [1, 256, 257, 512, 700]) assert.ok(await tree.proof(seq), String(seq))
      assert.equal(await tree.proof(701), undefined)
      await assert.rejects(tree.page(701, 1), /700 entries/)
    })
  })
}
