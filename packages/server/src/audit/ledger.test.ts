import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault, type Effect } from '@countersign/contract'
import { systemWorld } from '#base'
import { openStore, type Store } from '#store'
import { openLedger, type Closing, type Ledger, type OpenEntry, type Opening } from './ledger.ts'
import type { ReadsPolicy } from './ledger-writer.ts'
import { PAYLOAD_TABLES } from './sqlite-payloads.ts'
import { LEDGER_TABLES, sqliteLedger } from './sqlite-ledger.ts'

/** A real store whose commits fail while `isFull`. */
function makeDisk(): Store & { isFull: boolean } {
  const store = openStore(':memory:', [LEDGER_TABLES, PAYLOAD_TABLES])
  const disk = {
    ...store,
    isFull: false,
    commit: <Value>(write: () => Value, withinMs?: number): Promise<Value> =>
      store.commit(() => {
        if (disk.isFull) throw new Error('database or disk is full')
        return write()
      }, withinMs),
  }
  return disk
}

const opening = (call: string, effect: Effect): Opening => ({
  call,
  principal: 'local',
  client: 'test',
  view: '',
  server: 'files',
  method: 'tools/call',
  name: 'tool',
  effect,
  decision: { kind: 'allow', policies: [] },
  definition: undefined,
  arguments: 'sha256:0',
  round: 1,
})
const CLOSING: Closing = { outcome: 'answered', isError: false, durationMs: 1 }

const kindsOf = async (ledger: Ledger, call: string): Promise<readonly string[]> =>
  (await ledger.read({ after: 0 })).flatMap((entry) => (entry.call === call ? [entry.kind] : []))

test('while nothing can be written no write is begun, and what was begun is closed later', async () => {
  const disk = makeDisk()
  const ledger = openLedger(systemWorld, sqliteLedger(disk), 'batched')
  const entry = await ledger.open(opening('before', 'write'))
  disk.isFull = true
  await assert.rejects(ledger.open(opening('during', 'destructive')), {
    code: 'ledger/unavailable',
  })
  await ledger.close(entry, CLOSING) // The answer is not held back; the line is owed.
  await assert.rejects(ledger.open(opening('again', 'read')), { code: 'ledger/unavailable' })
  disk.isFull = false
  const after = await ledger.open(opening('after', 'read'))
  await ledger.close(after, CLOSING)
  assert.deepEqual(await kindsOf(ledger, 'before'), ['call.opened', 'call.closed'])
  assert.deepEqual(await kindsOf(ledger, 'during'), [])
  assert.deepEqual(await kindsOf(ledger, 'after'), ['call.opened', 'call.closed'])
  assert.deepEqual(await ledger.recover(), [])
  disk.close()
})

async function settle(disk: ReturnType<typeof makeDisk>, ledger: Ledger): Promise<void> {
  disk.isFull = false
  disk.flush()
  await new Promise((resolve) => setImmediate(resolve))
  await ledger.note('server.changed', { server: 'settled' })
}

async function checkAll(
  ledger: Ledger,
  letThrough: ReadonlySet<string>,
  closed: ReadonlySet<string>,
): Promise<void> {
  const both = ['call.opened', 'call.closed']
  for (const call of letThrough) {
    assert.deepEqual(await kindsOf(ledger, call), closed.has(call) ? both : ['call.opened'], call)
  }
  const left = [...letThrough].filter((call) => !closed.has(call))
  assert.deepEqual((await ledger.recover()).toSorted(), left.toSorted())
  for (const call of left) assert.deepEqual(await kindsOf(ledger, call), both)
  assert.deepEqual(await ledger.recover(), [])
}

test('whatever happens to the disk, each call that was let through has its two lines in the end', async () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('open' as const),
      effect: fc.constantFrom<Effect>('read', 'idempotent', 'write'),
    }),
    fc.record({ do: fc.constant('close' as const), at: fc.nat(20) }),
    fc.record({ do: fc.constant('disk' as const), isFull: fc.boolean() }),
    fc.constant({ do: 'wait' as const }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom<ReadsPolicy>('batched', 'ahead'),
      async (steps, reads) => {
        const disk = makeDisk()
        const ledger = openLedger(systemWorld, sqliteLedger(disk), reads)
        const open: OpenEntry[] = []
        const letThrough = new Set<string>()
        const closed = new Set<string>()
        let number = 0
        for (const one of steps) {
          if (one.do === 'disk') disk.isFull = one.isFull
          else if (one.do === 'wait') disk.flush()
          else if (one.do === 'open') {
            const call = `c${String(++number)}`
            const entry = await ledger.open(opening(call, one.effect)).catch(() => undefined)
            if (entry) {
              letThrough.add(call)
              open.push(entry)
              // Ahead means ahead: on the disk before anything is done.
              const isAhead = one.effect !== 'read' || reads === 'ahead'
              assert.ok(!isAhead || (await kindsOf(ledger, call)).length === 1)
            }
          } else if (open.length > 0) {
            const [entry] = open.splice(one.at % open.length, 1)
            await ledger.close(entry!, CLOSING)
            closed.add(entry!.call)
          }
          await new Promise((resolve) => setImmediate(resolve))
        }
        await settle(disk, ledger)
        await checkAll(ledger, letThrough, closed)
        disk.close()
      },
    ),
    { numRuns: 150 },
  )
})

test('what a crash left open is closed as unknown, once', async () => {
  const disk = makeDisk()
  const ledger = openLedger(systemWorld, sqliteLedger(disk), 'ahead')
  await ledger.open(opening('lost', 'write'))
  const entry = await ledger.open(opening('fine', 'write'))
  await ledger.close(entry, CLOSING)
  assert.deepEqual(await openLedger(systemWorld, sqliteLedger(disk), 'ahead').recover(), ['lost'])
  const [last] = await ledger.read({ last: 1 })
  assert.deepEqual(
    [last?.call, last?.body['outcome'], last?.body['reason']],
    ['lost', 'unknown', 'crash'],
  )
  assert.deepEqual(await openLedger(systemWorld, sqliteLedger(disk), 'ahead').recover(), [])
  disk.close()
})

test('a note that cannot be written is written before the next entry', async () => {
  const disk = makeDisk()
  const ledger = openLedger(systemWorld, sqliteLedger(disk), 'batched')
  disk.isFull = true
  await ledger.note('definitions.changed', { server: 'files', count: 0, changes: [] })
  disk.isFull = false
  await ledger.open(opening('after', 'read'))
  assert.deepEqual(
    (await ledger.read({ after: 0 })).map(({ kind }) => kind),
    ['definitions.changed', 'call.opened'],
  )
  disk.close()
})

test('a database that may only be read lets no call through, and nothing that happened is lost', async () => {
  // ND-004
  const store = openStore(':memory:', [LEDGER_TABLES, PAYLOAD_TABLES])
  const ledger = openLedger(systemWorld, sqliteLedger(store), 'batched')
  const entry = await ledger.open(opening('before', 'write'))
  const isReadOnly = (is: boolean): unknown =>
    store.prepare(`PRAGMA query_only = ${is ? 'ON' : 'OFF'}`).get()
  isReadOnly(true)
  await assert.rejects(ledger.open(opening('during', 'write')), (thrown: unknown) => {
    assert.ok(thrown instanceof Fault)
    assert.equal(thrown.code, 'ledger/unavailable')
    assert.match(String(thrown.cause), /readonly database/)
    return true
  })
  await ledger.close(entry, CLOSING)
  await assert.rejects(ledger.open(opening('again', 'read')), { code: 'ledger/unavailable' })
  isReadOnly(false)
  await ledger.open(opening('after', 'read'))
  assert.deepEqual(await kindsOf(ledger, 'before'), ['call.opened', 'call.closed'])
  assert.deepEqual(await kindsOf(ledger, 'during'), [])
  store.close()
})
