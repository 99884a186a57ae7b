// What every store of records does, whichever database it is.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { World } from '../../packages/server/src/base/index.ts'
import { systemWorld } from '../../packages/server/src/base/index.ts'
import type { Records } from '../../packages/server/src/store/index.ts'

const RACERS = 32

/** A world whose clock is moved by hand. */
interface Clock {
  now: number
}

export type OpenRecords = (world: World) => Promise<Records>

export function recordsSuite(name: string, open: OpenRecords): void {
  const opened = async (): Promise<{ records: Records; clock: Clock }> => {
    const clock = { now: 1_000_000 }
    return { clock, records: await open({ ...systemWorld, now: () => clock.now }) }
  }

  test(`${name}: a document is found by its id and by its alias, until it is removed`, async () => {
    const { records } = await opened()
    await records.put('a', 'x', { n: 1, text: 'ä\u0000' }, { alias: 'other', group: 'g' })
    assert.deepEqual(await records.get('a', 'x'), {
      id: 'x',
      value: { n: 1, text: 'ä\u0000' },
      revision: 1,
      usedAt: undefined,
      group: 'g',
    })
    assert.equal((await records.getByAlias('a', 'other'))?.id, 'x')
    assert.equal(await records.get('b', 'x'), undefined, 'of another kind')
    assert.equal(await records.remove('a', 'x'), true)
    assert.equal(await records.remove('a', 'x'), false)
    assert.equal(await records.get('a', 'x'), undefined)
  })

  test(`${name}: what expired is not there, and its id and alias are free again`, async () => {
    const { records, clock } = await opened()
    assert.equal(await records.add('a', 'x', { n: 1 }, { until: 1_000_010, alias: 'al' }), true)
    assert.equal(await records.add('a', 'x', { n: 2 }), false)
    assert.equal(
      await records.add('a', 'y', { n: 2 }, { alias: 'al' }),
      false,
      'the alias is taken',
    )
    clock.now = 1_000_010
    assert.equal(await records.get('a', 'x'), undefined)
    assert.equal(await records.getByAlias('a', 'al'), undefined)
    assert.deepEqual(await records.list('a', { limit: 10 }), [])
    assert.equal(await records.use('a', 'x'), false)
    assert.equal(await records.swap('a', 'x', 1, { value: {} }), false)
    assert.equal(await records.add('a', 'y', { n: 3 }, { alias: 'al' }), true)
    assert.equal(await records.add('a', 'x', { n: 4 }), true)
  })

  test(`${name}: a document is changed by whoever read it last`, async () => {
    const { records } = await opened()
    await records.put('a', 'x', { n: 1 }, { group: 'g', alias: 'al' })
    assert.equal(await records.swap('a', 'x', 2, { value: { n: 9 } }), false)
    assert.equal(await records.swap('a', 'x', 1, { value: { n: 2 } }), true)
    const found = await records.getByAlias('a', 'al')
    assert.deepEqual([found?.value, found?.revision, found?.group], [{ n: 2 }, 2, 'g'])
    await records.put('a', 'x', { n: 3 })
    assert.equal((await records.get('a', 'x'))?.revision, 3)
    assert.equal(await records.getByAlias('a', 'al'), undefined, 'put says anew what it is kept by')
  })

  test(`${name}: a document is used up once, and written anew it may be used again`, async () => {
    const { records, clock } = await opened()
    await records.put('a', 'x', {})
    assert.equal(await records.use('a', 'x'), true)
    assert.equal(await records.use('a', 'x'), false)
    assert.equal((await records.get('a', 'x'))?.usedAt, clock.now)
    await records.put('a', 'x', {})
    assert.equal(await records.use('a', 'x'), true)
    assert.equal(await records.use('a', 'missing'), false)
  })

  test(`${name}: a group goes as a whole, of every kind`, async () => {
    const { records } = await opened()
    await records.put('a', 'x', {}, { group: 'g' })
    await records.put('b', 'y', {}, { group: 'g' })
    await records.put('a', 'z', {}, { group: 'h' })
    assert.equal(await records.removeGroup('g'), 2)
    assert.equal(await records.removeGroup('g'), 0)
    assert.notEqual(await records.get('a', 'z'), undefined)
  })

  test(`${name}: a list goes on where it ended, by the bytes of the ids`, async () => {
    const { records } = await opened()
    for (const id of ['b', 'A', 'ä', 'a', 'B']) await records.put('a', id, {})
    const first = await records.list('a', { limit: 3 })
    assert.deepEqual(
      first.map(({ id }) => id),
      ['A', 'B', 'a'],
    )
    const next = await records.list('a', { after: 'a', limit: 3 })
    assert.deepEqual(
      next.map(({ id }) => id),
      ['b', 'ä'],
    )
  })

  test(`${name}: an id that no database can hold is in none`, async () => {
    const { records } = await opened()
    assert.equal(await records.get('a', 'x\u0000y'), undefined)
    assert.equal(await records.getByAlias('a', '\uD800'), undefined)
  })

  test(`${name}: of ${String(RACERS)} that add, use or swap one document, one is told true`, async () => {
    const { records, clock } = await opened()
    const race = async (step: (racer: number) => Promise<boolean>): Promise<number> => {
      const told = await Promise.all(Array.from({ length: RACERS }, (_, racer) => step(racer)))
      return told.filter((won) => won).length
    }
    await records.put('a', 'gone', {}, { until: clock.now })
    assert.equal(await race((n) => records.add('a', 'new', { n })), 1)
    assert.equal(await race((n) => records.add('a', 'gone', { n })), 1, 'one that expired')
    assert.equal(await race((n) => records.add('a', String(n), {}, { alias: 'one' })), 1)
    assert.equal(await race(() => records.use('a', 'new')), 1)
    assert.equal(await race((n) => records.swap('a', 'new', 1, { value: { n } })), 1)
    assert.equal(await race(() => records.remove('a', 'new')), 1)
  })
}
