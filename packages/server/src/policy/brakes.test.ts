import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemWorld } from '#base'
import { openStore, RECORD_TABLES, storeRecords, type Records } from '#store'
import { silentLog } from '#telemetry'
import { openBrakes, type Brakes } from './brakes.ts'

const EVERYTHING = { what: 'everything' } as const
const CALL = { server: 'peer', name: 'echo', principal: 'ada', clients: [], runs: [] }

function openRecords(context: TestContext): Records {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-brakes-'))
  const store = openStore(join(folder, 'x.db'), [RECORD_TABLES])
  context.after(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })
  return storeRecords(systemWorld, store)
}

const open = async (
  context: TestContext,
  records: Records,
  world = systemWorld,
): Promise<Brakes> => {
  const brakes = await openBrakes({ world, log: silentLog, records, isShared: true })
  context.after(brakes.close)
  return brakes
}

test('a brake holds while what others pulled is being read', async (context) => {
  const records = openRecords(context)
  const reading = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  let isFirst = true
  const slow: Records = {
    ...records,
    list: async (...given) => {
      const read = await records.list(...given)
      if (read.length > 0 && isFirst) {
        isFirst = false
        reading.resolve()
        await gate.promise
      }
      return read
    },
  }
  const here = await open(context, slow)
  const there = await open(context, records)
  await there.pull({ what: 'server', server: 'other' }, 'operator', 'smoke')
  await reading.promise
  await here.pull(EVERYTHING, 'operator', 'fire')
  gate.resolve()
  while (!here.list().some(({ reason }) => reason === 'smoke')) {
    assert.ok(here.on(CALL))
    // oxlint-disable-next-line eslint/no-await-in-loop -- Between any two turns it must be on.
    await new Promise(setImmediate)
  }
  assert.ok(here.on(CALL))
})

test('a brake that could not be written down is on, and can be lifted', async (context) => {
  const records = openRecords(context)
  const put = async (): Promise<void> => {
    throw new Error('the disk is full')
  }
  const brakes = await open(context, { ...records, put })
  await assert.rejects(brakes.pull(EVERYTHING, 'operator', 'fire'))
  const [brake] = brakes.list()
  assert.ok(brake && brakes.on(CALL))
  await brakes.release(brake.id).catch(() => undefined)
  assert.equal(brakes.on(CALL), undefined)
})

test('more brakes than one page holds are all on after a restart', async (context) => {
  const records = openRecords(context)
  const first = await open(context, records)
  const pulled = Array.from({ length: 1_100 }, (_, at) =>
    first.pull({ what: 'tool', server: 'peer', tool: `tool-${String(at)}` }, 'operator', 'x'),
  )
  await Promise.all(pulled)
  const second = await open(context, records)
  assert.equal(second.list().length, 1_100)
})
