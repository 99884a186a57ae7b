import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Op, Store } from '../../src/index.ts'
import {
  cancel,
  claim,
  create,
  finish,
  held,
  HOUR_MS,
  line,
  newTask,
  NOW,
  one,
  record,
  signal,
  suspend,
  type OpenStore,
} from './samples.ts'

const FENCED = { accepted: false, why: 'fenced' } as const

export function portSuite(name: string, open: OpenStore): void {
  describe(`${name}: the port`, () => {
    let store: Store
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    test('a task is read back as it was created', async () => {
      const task = newTask({ run: 'r', key: 'k1', owner: 'ünï ☃', input: '{"t":"\\u0000\\ud800"}' })
      assert.deepEqual(await one(store, create(task)), { accepted: true })
      const found = await store.get(task.id)
      assert.equal(found?.state, 'working')
      assert.equal(found.epoch, 1)
      assert.equal(found.owner, 'ünï ☃')
      assert.equal(found.run, 'r')
      assert.deepEqual(found.input, { t: '\u0000\uD800' })
      assert.equal(found.result, undefined)
      assert.deepEqual(found.waits, [])
      assert.equal(await store.get('x'.repeat(22)), undefined)
    })

    test('the same id and the same key of an owner are the same task', async () => {
      const task = newTask({ key: 'once', owner: 'bob' })
      await one(store, create(task))
      const byId = await one(store, create(newTask({ id: task.id, owner: 'bob' })))
      const byKey = await one(store, create(newTask({ key: 'once', owner: 'bob' })))
      assert.deepEqual([byId.why, byId.task?.id], ['exists', task.id])
      assert.deepEqual([byKey.why, byKey.task?.id], ['exists', task.id])
      const other = await one(store, create(newTask({ key: 'once', owner: 'eve' })))
      assert.equal(other.accepted, true)
    })

    test('an owner has no more open tasks than allowed', async () => {
      const order = (): Op => create(newTask({ owner: 'busy' }), 2)
      const first = newTask({ owner: 'busy' })
      const verdicts = await store.commit([create(first, 2), order(), order()])
      assert.deepEqual(
        verdicts.map(({ why }) => why),
        [undefined, undefined, 'busy'],
      )
      await one(store, cancel(first.id))
      assert.equal((await one(store, order())).accepted, true)
    })

    test('a child is created only by the holder of its parent', async () => {
      const parent = await held(store)
      const child = newTask({ parent })
      const by = (epoch: number): Op => ({ ...create(child), by: { task: parent, epoch } })
      assert.deepEqual(await one(store, by(2)), FENCED)
      assert.equal((await one(store, by(1))).accepted, true)
    })

    test('whoever lost the epoch cannot write, and changes nothing by trying', async () => {
      const id = await held(store, { dueAt: NOW })
      await one(store, { op: 'renew', task: id, epoch: 1, at: NOW, until: NOW })
      const second = await one(store, claim(id, 'w2'))
      assert.equal(second.task?.epoch, 2)
      const untouched = JSON.stringify(await store.get(id))
      const zombie: readonly Op[] = [
        record(id, 1, [line(1)], { progress: '{"done":1}' }),
        suspend(id, 1),
        finish(id, 1, 'complete'),
        finish(id, 1, 'lose'),
        { op: 'renew', task: id, epoch: 1, at: NOW, until: NOW + 1 },
      ]
      for (const op of zombie) assert.deepEqual(await one(store, op), FENCED)
      assert.equal(JSON.stringify(await store.get(id)), untouched)
      assert.deepEqual(await store.journal(id), [])
    })

    test('a task that is held, or not due, cannot be claimed; one that is due, once', async () => {
      const id = await held(store)
      assert.equal((await one(store, claim(id, 'w2'))).accepted, false)
      const free = newTask({ worker: null, dueAt: NOW })
      await one(store, create(free))
      const [first, second] = await store.commit([claim(free.id, 'w1'), claim(free.id, 'w2')])
      assert.deepEqual([first?.accepted, second?.accepted], [true, false])
      assert.deepEqual([first?.task?.epoch, first?.task?.worker], [1, 'w1'])
      const later = newTask({ worker: null, dueAt: NOW + HOUR_MS })
      await one(store, create(later))
      assert.equal((await one(store, claim(later.id, 'w1'))).accepted, false)
    })

    test('lines are kept in order, once, whoever repeats them', async () => {
      const id = await held(store)
      await one(store, record(id, 1, [line(1), line(2)]))
      assert.equal((await one(store, record(id, 1, [line(2, { body: '"other"' })]))).accepted, true)
      await one(store, record(id, 1, [line(10), line(9)]))
      const journal = await store.journal(id)
      assert.deepEqual(
        journal.map(({ seq }) => seq),
        [1, 2, 9, 10],
      )
      assert.deepEqual(journal[1], { ...line(2), epoch: 1, body: { seq: 2 } })
    })

    test('a claim gives back the journal and the signals that wait', async () => {
      const id = await held(store)
      await one(store, record(id, 1, [line(1)]))
      await store.commit([signal(id, 'go', 's1'), signal(id, 'go', 's2'), signal(id, 'go', 's1')])
      await one(store, record(id, 1, [line(2)], { delivered: ['s1'] }))
      await one(store, suspend(id, 1, { inbox: 2, dueAt: NOW }))
      const claimed = await one(store, claim(id, 'w2'))
      assert.equal(claimed.journal?.length, 2)
      assert.deepEqual(claimed.signals, [{ id: 's2', name: 'go', payload: 's2' }])
      assert.equal(claimed.task?.inbox, 2)
      assert.deepEqual(await store.signals(id), { inbox: 2, signals: claimed.signals })
    })

    test('a signal wakes a waiting task, and one that came unseen keeps it awake', async () => {
      const id = await held(store)
      assert.deepEqual(await one(store, suspend(id, 1)), { accepted: true })
      assert.equal((await store.get(id))?.dueAt, undefined)
      assert.deepEqual((await one(store, signal(id, 'go', 's1'))).due, [id])
      const claimed = await one(store, claim(id, 'w2'))
      assert.equal(claimed.task?.epoch, 2)
      await one(store, signal(id, 'go', 's2'))
      assert.deepEqual((await one(store, suspend(id, 2, { inbox: 1 }))).due, [id])
      assert.equal((await one(store, claim(id, 'w2'))).accepted, true)
    })

    test('an expected signal is refused unless the task asks for it and has no answer', async () => {
      const id = await held(store)
      const expected = { expected: true }
      assert.equal((await one(store, signal(id, 'go', 's1', expected))).why, 'not-waiting')
      await one(store, suspend(id, 1, { waits: '[{"name":"go","ask":null}]' }))
      assert.equal((await one(store, signal(id, 'no', 's1', expected))).why, 'not-waiting')
      assert.equal((await one(store, signal(id, 'go', 's1', expected))).accepted, true)
      assert.equal((await one(store, signal(id, 'go', 's2', expected))).why, 'not-waiting')
      await one(store, claim(id, 'w2'))
      await one(store, record(id, 2, [line(1)], { delivered: ['s1'], waits: '[]' }))
      assert.equal((await one(store, signal(id, 'go', 's3', expected))).why, 'not-waiting')
    })

    test('a full inbox refuses, and so do tasks that are over or not there', async () => {
      const id = await held(store)
      const few = { inboxMax: 2 }
      await store.commit([signal(id, 'a', 's1', few), signal(id, 'b', 's2', few)])
      assert.equal((await one(store, signal(id, 'c', 's3', few))).why, 'full')
      await one(store, finish(id, 1, 'complete'))
      assert.equal((await one(store, signal(id, 'c', 's3'))).why, 'illegal')
      assert.equal((await one(store, signal('x'.repeat(22), 'c', 's3'))).why, 'missing')
    })

    test('a task ends once; the same ending again is the same ending', async () => {
      const id = await held(store)
      assert.equal((await one(store, finish(id, 1, 'complete'))).accepted, true)
      assert.equal((await one(store, finish(id, 1, 'complete'))).accepted, true)
      assert.deepEqual(await one(store, finish(id, 1, 'fail')), FENCED)
      assert.deepEqual(await one(store, record(id, 1, [line(1)])), FENCED)
      assert.equal((await one(store, cancel(id))).why, 'illegal')
      const task = await store.get(id)
      assert.deepEqual(
        [task?.state, task?.result, task?.dueAt],
        ['completed', { ok: true }, undefined],
      )
    })

    test('cancelling takes the task from its worker, whose late outcome is only noted', async () => {
      const id = await held(store)
      assert.equal((await one(store, cancel(id))).accepted, true)
      assert.deepEqual(await one(store, record(id, 1, [line(1)])), FENCED)
      const late = line(1, { kind: 'late' })
      assert.equal(
        (await one(store, { op: 'late', task: id, epoch: 1, entry: late })).accepted,
        true,
      )
      const journal = await store.journal(id)
      assert.deepEqual(
        journal.map(({ epoch, kind }) => [epoch, kind]),
        [
          [1, 'late'],
          [2, 'cancelled'],
        ],
      )
      assert.equal((await store.get(id))?.epoch, 2)
    })

    test('an unknown outcome waits for whoever saw this very epoch', async () => {
      const id = await held(store)
      await one(store, finish(id, 1, 'lose'))
      assert.equal((await store.get(id))?.state, 'unknown')
      assert.equal((await one(store, cancel(id))).why, 'illegal')
      const settle = (epoch: number, event: 'resume' | 'abandon'): Op => ({
        op: 'settle',
        task: id,
        epoch,
        event,
        at: NOW,
        entries: [line(0, { kind: 'settled' })],
        error: event === 'resume' ? null : '{"name":"Error","message":"given up"}',
        expiresAt: NOW + HOUR_MS,
      })
      assert.equal((await one(store, settle(9, 'resume'))).why, 'illegal')
      assert.deepEqual((await one(store, settle(1, 'resume'))).due, [id])
      const claimed = await one(store, claim(id, 'w2'))
      assert.deepEqual([claimed.task?.epoch, claimed.task?.error], [3, undefined])
      await one(store, finish(id, 3, 'lose'))
      assert.equal((await one(store, settle(3, 'abandon'))).accepted, true)
      assert.equal((await store.get(id))?.error?.message, 'given up')
    })

    test('the end of a child is a signal to its parent, whatever ended it', async () => {
      const parent = await held(store)
      const ids = await Promise.all([held(store, { parent }), held(store, { parent })])
      await one(store, suspend(parent, 1))
      assert.deepEqual((await one(store, finish(ids[0], 1, 'complete'))).due, [parent])
      assert.deepEqual((await one(store, cancel(ids[1]))).due, [parent])
      const { signals } = await store.signals(parent)
      assert.deepEqual(signals[0], {
        id: `child:${ids[0]}`,
        name: `child:${ids[0]}`,
        payload: { state: 'completed', result: { ok: true }, error: null },
      })
      assert.equal(signals.length, 2)
    })

    test('what outlives its time fails, then goes; an unknown outcome stays', async () => {
      const own = await open()
      const [old, done, lost] = await Promise.all([
        held(own, { expiresAt: NOW - 1 }),
        held(own, { expiresAt: NOW - 1 }),
        held(own, { expiresAt: NOW - 1 }),
      ])
      await own.commit([finish(done, 1, 'complete'), finish(lost, 1, 'lose')])
      const sweep = (at: number): Op => ({ op: 'sweep', at, graceMs: 100, error: '{}', limit: 10 })
      const first = await one(own, sweep(NOW))
      assert.deepEqual([first.expired, first.deleted], [[old], 1])
      assert.deepEqual(
        [(await own.get(old))?.state, await own.get(done), (await own.get(lost))?.state],
        ['failed', undefined, 'unknown'],
      )
      assert.equal((await one(own, sweep(NOW + 200))).deleted, 1)
      assert.deepEqual([await own.get(old), await own.journal(old)], [undefined, []])
      assert.equal((await own.get(lost))?.state, 'unknown')
      await own.close()
    })

    test('what is over of one owner can be forgotten, and nothing else goes with it', async () => {
      const own = await open()
      const [done, open1, late, other] = await Promise.all([
        held(own, { owner: 'leaver' }),
        held(own, { owner: 'leaver' }),
        held(own, { owner: 'leaver', at: NOW + 10 }),
        held(own, { owner: 'stayer' }),
      ])
      await own.commit([done, late, other].map((id) => finish(id, 1, 'complete')))
      const forget: Op = { op: 'forget', owner: 'leaver', before: NOW + 5, limit: 1 }
      assert.equal((await one(own, forget)).deleted, 1)
      assert.equal((await one(own, forget)).deleted, 0)
      assert.deepEqual([await own.get(done), await own.journal(done)], [undefined, []])
      const left = await own.list({ owner: 'leaver', limit: 9 })
      assert.deepEqual(left.map(({ id }) => id).toSorted(), [late, open1].toSorted())
      assert.equal((await own.get(other))?.state, 'completed')
      await own.close()
    })

    test('many tasks with the longest ids can expire at once', async () => {
      const own = await open()
      const made = Array.from({ length: 200 }, (_, at) =>
        newTask({ id: String(at).padStart(64, 'x'), owner: 'many', expiresAt: NOW - 1 }),
      )
      await own.commit(made.map((task) => create(task)))
      const sweep: Op = { op: 'sweep', at: NOW, graceMs: 100, error: '{}', limit: 500 }
      assert.equal((await one(own, sweep)).expired?.length, 200)
      await own.close()
    })

    test('lists are of one owner, run or state, newest first, page by page', async () => {
      const made = Array.from({ length: 5 }, (_, at) =>
        newTask({ owner: 'lister', run: at < 3 ? 'r1' : 'r2', at: NOW + Math.floor(at / 2) }),
      )
      await store.commit(made.map((task) => create(task)))
      await one(store, finish(made[0]!.id, 1, 'complete'))
      const wanted = made
        .toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1))
        .map(({ id }) => id)
      const first = await store.list({ owner: 'lister', limit: 2 })
      const last = first.at(-1)!
      const rest = await store.list({ owner: 'lister', limit: 9, after: last })
      assert.deepEqual(
        [...first, ...rest].map(({ id }) => id),
        wanted,
      )
      assert.equal((await store.list({ run: 'r1', limit: 9 })).length, 3)
      const completed = await store.list({ owner: 'lister', states: ['completed'], limit: 9 })
      assert.deepEqual(
        completed.map(({ id }) => id),
        [made[0]!.id],
      )
    })

    test('what is due comes soonest first, page by page', async () => {
      const own = await open()
      const made = [5, 1, 3, 3].map((ms) => newTask({ worker: null, dueAt: NOW - 1_000 + ms }))
      const later = newTask({ worker: null, dueAt: NOW + HOUR_MS })
      await own.commit([...made, later].map((task) => create(task)))
      const first = await own.due(NOW, 2)
      const rest = await own.due(NOW, 9, first.at(-1))
      assert.deepEqual(
        [...first, ...rest].map(({ dueAt }) => dueAt - NOW + 1_000),
        [1, 3, 3, 5],
      )
      assert.equal(new Set([...first, ...rest].map(({ id }) => id)).size, 4)
      await own.close()
    })

    test('a hundred callers at once each get their own answer', async () => {
      const tasks = Array.from({ length: 100 }, () => newTask({ owner: 'many' }))
      await Promise.all(tasks.map((task) => one(store, create(task))))
      const verdicts = await Promise.all(
        tasks.map(({ id }, at) => one(store, record(id, at % 2 === 0 ? 1 : 7, [line(1)]))),
      )
      assert.deepEqual(
        verdicts.map(({ accepted }) => accepted),
        tasks.map((_, at) => at % 2 === 0),
      )
    })
  })
}
