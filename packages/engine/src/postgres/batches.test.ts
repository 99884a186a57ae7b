import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Op, Verdict } from '../ops.ts'
import { Batches } from './batches.ts'

const op = (task: string, error = ''): Op => ({ op: 'cancel', task, at: 0, error })
const accept = (ops: readonly Op[]): readonly Verdict[] => ops.map(() => ({ accepted: true }))

test('a statement has no more ops, and no more bytes, than the database can read', async () => {
  const flushes: number[] = []
  const write = async (
    ops: readonly Op[],
    texts: readonly string[],
  ): Promise<readonly Verdict[]> => {
    assert.deepEqual(
      texts,
      ops.map((each) => JSON.stringify(each)),
    )
    flushes.push(ops.length)
    return accept(ops)
  }
  const batches = new Batches(write, 1, () => false)
  await Promise.all(Array.from({ length: 1_100 }, (_, at) => batches.commit([op(String(at))])))
  assert.deepEqual(flushes.splice(0), [512, 512, 76])
  const large = 'x'.repeat(6_000_000)
  await Promise.all(Array.from({ length: 5 }, (_, at) => batches.commit([op(String(at), large)])))
  assert.deepEqual(flushes.splice(0), [2, 2, 1])
  // What one caller wants at once is not torn apart.
  await batches.commit(Array.from({ length: 4 }, () => op('t', large)))
  assert.deepEqual(flushes, [4])
})

test('an op that no database can take fails alone, and a failure of the store is everybody’s', async () => {
  let isDown = false
  const write = (ops: readonly Op[]): Promise<readonly Verdict[]> =>
    isDown || ops.some((each) => 'task' in each && each.task === 'bad')
      ? Promise.reject(new Error(isDown ? 'down' : 'bad'))
      : Promise.resolve(accept(ops))
  const batches = new Batches(write, 2, (cause) => String(cause).includes('bad'))
  const commit = (): Promise<readonly string[]> =>
    Promise.all(
      ['a', 'bad', 'c'].map((task) =>
        batches.commit([op(task)]).then(
          () => 'written',
          (error: unknown) => String(error),
        ),
      ),
    )
  assert.deepEqual(await commit(), ['written', 'Error: bad', 'written'])
  isDown = true
  assert.deepEqual(await commit(), ['Error: down', 'Error: down', 'Error: down'])
})
