import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOCAL } from '#auth'
import type { Run } from '#policy'
import { labelRun } from './label-run.ts'

const run = (labels: readonly string[], recent = labels): Run => ({ id: 'r', labels, recent })
const judged = (labels: readonly string[], seen: Run) =>
  ({
    who: LOCAL,
    target: { server: 'mail', name: 'send', kind: 'tool' },
    about: { view: '', argumentsDigest: 'sha256:1', labels, run: seen, recent: seen.recent },
    run: seen,
    label: 'test',
  }) as never

/** What others have left by the time this call leaves, and whether it is judged by that. */
async function leaving(labels: readonly string[], seen: Run, left: Run) {
  const judgedBy: unknown[] = []
  const touched: unknown[] = []
  const rooms = {
    runs: {
      of: () => left,
      touch: async (_who: unknown, _run: unknown, touching: unknown) => {
        touched.push(touching)
        return left
      },
    },
    policy: {
      decide: (_who: unknown, target: unknown, { recent }: { recent: readonly string[] }) => {
        judgedBy.push(recent)
        return recent.includes('untrusted')
          ? { kind: 'deny', because: 'no', policies: ['flow'] }
          : { kind: 'allow', permitted: target, policies: [] }
      },
    },
  }
  const again = await labelRun(rooms as never, judged(labels, seen), 'call_1', {})
  return { again: again?.decision.kind, judgedBy, touched }
}

// PO-067
test('what others have left since it was judged is judged by, before it leaves', async () => {
  const { again, judgedBy } = await leaving(['outward'], run([]), run(['untrusted']))
  assert.equal(again, 'deny')
  assert.deepEqual(judgedBy, [['untrusted']])
  const elsewhere = await leaving(['outward'], run([]), run([], ['untrusted']))
  assert.equal(elsewhere.again, 'deny', 'also in another run of the same principal')
})

// PO-067
test('where nothing is new nothing is judged again, and what has no label touches nothing', async () => {
  const same = await leaving(['outward'], run(['private']), run(['private']))
  assert.deepEqual([same.again, same.judgedBy], [undefined, []])
  assert.deepEqual(same.touched, [{ call: 'call_1', labels: ['outward'] }])
  const less = await leaving(['outward'], run(['private']), run([]))
  assert.equal(less.again, undefined)
  const plain = await leaving([], run([]), run([]))
  assert.deepEqual([plain.again, plain.touched], [undefined, []])
})

// PO-067
test('what has no label is judged by what others have left all the same', async () => {
  const plain = await leaving([], run([]), run(['untrusted']))
  assert.deepEqual([plain.again, plain.touched], ['deny', []])
})
