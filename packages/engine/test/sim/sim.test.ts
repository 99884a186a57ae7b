import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DatabaseSync } from 'node:sqlite'
import type { Op } from '../../src/index.ts'
import { simulate } from './simulate.ts'

const SEEDS = 2_000

test('no seed of 2,000 finds a task lost, changed after its end, or an effect done twice', async () => {
  let crashes = 0
  let closes = 0
  let settled = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const report = await simulate({ seed })
    assert.deepEqual(report.breaches, [], `npm run sim -- --seed ${String(seed)}`)
    crashes += report.crashes
    closes += report.closes
    settled += report.settled
  }
  const isWild = crashes > SEEDS && closes > SEEDS / 2 && settled > SEEDS / 10
  assert.ok(isWild, 'the storm has become too mild')
})

test('one seed always gives the same story', async () => {
  const stories = await Promise.all(
    [7, 7].map(async (seed) => {
      const lines: string[] = []
      await simulate({ seed, log: (line) => lines.push(line) })
      return lines
    }),
  )
  assert.deepEqual(stories[0], stories[1])
  assert.ok(stories[0]!.length > 20)
})

/** Stores that break a promise, and what must then be noticed. */
const SPOILED: Readonly<
  Record<string, { readonly spoil: (op: Op, db: DatabaseSync) => Op | undefined; seen: RegExp }>
> = {
  'writes without looking at the epoch': {
    spoil: (op, db) => {
      if (!('epoch' in op)) return op
      const row = db.prepare('SELECT epoch FROM tasks WHERE id = ?').get(op.task)
      return { ...op, epoch: Number(row?.['epoch']) }
    },
    seen: /two outcomes|happened \d+ times|is lost|changed/,
  },
  'accepts lines and forgets them': {
    spoil: (op) => (op.op === 'record' && op.entries.some(({ seq }) => seq === 3) ? undefined : op),
    seen: /is lost/,
  },
  'forgets that an attempt began': {
    spoil: (op) =>
      op.op === 'record' && op.entries.some(({ kind }) => kind === 'began') ? undefined : op,
    seen: /happened \d+ times/,
  },
  'delivers a signal and keeps it': {
    spoil: (op, db) => {
      if (op.op === 'claim') {
        const back = "UPDATE signals SET delivered = 0, name = 'also' WHERE task = ? AND delivered"
        db.prepare(back).run(op.task)
      }
      return op
    },
    seen: /delivered twice|gave/,
  },
  'lets a task rise from its end': {
    spoil: (op, db) => {
      if (op.op === 'sweep') {
        db.exec("UPDATE tasks SET state = 'working', due_at = 0 WHERE state = 'completed'")
      }
      return op
    },
    seen: /was final and changed/,
  },
  'takes the epoch back': {
    spoil: (op, db) => {
      if (op.op === 'suspend') {
        db.prepare('UPDATE tasks SET epoch = epoch - 1 WHERE id = ? AND epoch > 2').run(op.task)
      }
      return op
    },
    seen: /went back/,
  },
}

for (const [what, { spoil, seen }] of Object.entries(SPOILED)) {
  test(`the simulation notices a store that ${what}`, async () => {
    const breaches: string[] = []
    for (let seed = 1; seed <= SEEDS && !breaches.some((line) => seen.test(line)); seed++) {
      breaches.push(...(await simulate({ seed, spoil })).breaches)
    }
    assert.match(breaches.join('\n'), seen)
  })
}
