import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Engine, NotDone, type EngineOptions, type Store } from '../../src/index.ts'
import type { OpenStore } from './samples.ts'

/** The same store, opened for as long as the test lasts, for engines that come and go. */
const shared = (store: Store): Store => ({
  ...store,
  isExclusive: false,
  close: () => Promise.resolve(),
})

export function engineSuite(name: string, open: OpenStore): void {
  /** Runs `body` with an engine of its own, whose kinds `define` has defined. */
  const withEngine = async (
    define: (engine: Engine) => void,
    body: (engine: Engine, store: Store) => Promise<void>,
    options: Partial<EngineOptions> = {},
  ): Promise<void> => {
    const store = await open()
    const engine = new Engine({ store, ...options })
    define(engine)
    await engine.start()
    try {
      await body(engine, store)
    } finally {
      await engine.close()
    }
  }

  describe(`${name}: the engine`, () => {
    test('a task runs to its result, and each step once however often the handler is run', async () => {
      const counts = new Map<string, number>()
      const counted = (what: string): string => {
        counts.set(what, (counts.get(what) ?? 0) + 1)
        return what
      }
      await withEngine(
        (engine) => {
          engine.define<{ n: number }>('all', async (task) => {
            counted('run')
            const one = await task.step('one', () => counted('one'))
            await task.sleep('short', 5)
            const [two, three] = await Promise.all([
              task.step('two', () => counted('two')),
              task.step('three', () => counted('three')),
            ])
            const answer = await task.wait<string>('go', { ask: { question: 'on?' } })
            return { one, two, three, answer, n: task.input.n, at: task.now(), dice: task.random() }
          })
        },
        async (engine) => {
          const { id } = await engine.create({ kind: 'all', owner: 'ann', input: { n: 7 } })
          await until(engine, id, async () => (await engine.get(id))?.waits.length === 1)
          assert.deepEqual((await engine.get(id))?.waits, [
            { name: 'go', ask: { question: 'on?' } },
          ])
          await engine.signal(id, 'go', 'yes', { isExpected: true })
          const done = await engine.finished(id)
          assert.equal(done.state, 'completed')
          const { at, dice, ...rest } = done.result as Record<string, unknown>
          assert.deepEqual(rest, { one: 'one', two: 'two', three: 'three', answer: 'yes', n: 7 })
          assert.ok(typeof at === 'number' && typeof dice === 'number')
          assert.deepEqual([counts.get('one'), counts.get('two'), counts.get('three')], [1, 1, 1])
          assert.ok((counts.get('run') ?? 0) > 1)
        },
      )
    })

    test('a failed step is tried again after a pause that holds nothing', async () => {
      let tries = 0
      await withEngine(
        (engine) => {
          engine.define('flaky', (task) =>
            task.step(
              'sometimes',
              () => {
                tries++
                if (tries < 3) throw new Error('not yet')
                return tries
              },
              { retry: { tries: 5, firstMs: 5 } },
            ),
          )
        },
        async (engine) => {
          const { id } = await engine.create({ kind: 'flaky', owner: 'ann' })
          assert.equal((await engine.finished(id)).result, 3)
          const kinds = (await engine.journal(id)).map(({ kind }) => kind)
          assert.deepEqual(kinds, ['retry', 'retry', 'done'])
        },
      )
    })

    test('completed steps are undone in reverse, by the handler or afterwards, once', async () => {
      const undone: string[] = []
      const step = (at: string) => ({ undo: () => void undone.push(at) })
      await withEngine(
        (engine) => {
          engine.define(
            'saga',
            async (task) => {
              await task.step('a', () => 'a', step('a'))
              await task.step('b', () => 'b', step('b'))
              if (task.input === 'fail') throw new NotDone('c fails')
              return 'done'
            },
            { undoOnFailure: true },
          )
        },
        async (engine) => {
          const failed = await engine.create({
            kind: 'saga',
            owner: 'ann',
            input: 'fail',
            run: 'r',
          })
          assert.equal((await engine.finished(failed.id)).error?.message, 'c fails')
          assert.deepEqual(undone.splice(0), ['b', 'a'])
          const fine = await engine.create({ kind: 'saga', owner: 'ann', run: 'r' })
          await engine.finished(fine.id)
          assert.deepEqual(undone, [])
          const all = await engine.undoRun('r', 'ann')
          assert.deepEqual((await engine.finished(all.id)).state, 'completed')
          assert.deepEqual(undone, ['b', 'a'])
          const again = await engine.undo(fine.id)
          await engine.finished(again.id)
          assert.deepEqual(undone, ['b', 'a'])
        },
      )
    })

    test('a parent gets the result of its child, and its failure', async () => {
      await withEngine(
        (engine) => {
          engine.define('child', (task) => {
            if (task.input === 'bad') throw new Error('no good')
            return ['child of', task.input]
          })
          engine.define('parent', async (task) => {
            const good = await task.child('one', 'child', 'good')
            const bad = await task
              .child('two', 'child', 'bad')
              .catch((error: unknown) => (error as Error).message)
            return [good, bad]
          })
        },
        async (engine) => {
          const { id } = await engine.create({ kind: 'parent', owner: 'ann' })
          assert.deepEqual((await engine.finished(id)).result, [['child of', 'good'], 'no good'])
        },
      )
    })

    test('a task whose worker is silent is taken over, and the silent one cannot write', async () => {
      const store = await open()
      const pace = { leaseMs: 200, sweepMs: 50, drainMs: 0 }
      let isSilent = false
      const never = (): Promise<never> => new Promise(() => undefined)
      const noted = Promise.withResolvers<void>()
      const mute: Store = {
        ...shared(store),
        commit: async (ops) => {
          if (isSilent) return await never()
          const verdicts = await store.commit(ops)
          if (ops.some(({ op }) => op === 'late')) noted.resolve()
          return verdicts
        },
      }
      const runs: string[] = []
      const entered = Promise.withResolvers<void>()
      const freed = Promise.withResolvers<void>()
      const engine = (own: Store, who: string): Engine => {
        const made = new Engine({ store: own, pace })
        made.define('long', async (task) => {
          await task.step('first', () => runs.push(`${who} first`))
          return await task.step('second', async () => {
            runs.push(`${who} second`)
            if (who === 'a') {
              isSilent = true
              entered.resolve()
              await freed.promise
            }
            return who
          })
        })
        return made
      }
      const a = engine(mute, 'a')
      const b = engine(shared(store), 'b')
      await a.start()
      const { id } = await a.create({ kind: 'long', owner: 'ann' })
      await entered.promise
      await b.start()
      const done = await b.finished(id)
      assert.equal(done.result, 'b')
      isSilent = false
      freed.resolve()
      await noted.promise
      assert.ok((await store.journal(id)).some(({ kind }) => kind === 'late'))
      assert.deepEqual(runs, ['a first', 'a second', 'b second'])
      assert.equal((await b.get(id))?.result, 'b')
      await a.close()
      await b.close()
      await store.close()
    })

    test('a write that was cut off is unknown until it is settled, and never repeated by itself', async () => {
      const store = await open()
      let dispatched = 0
      const begun = Promise.withResolvers<void>()
      const pace = { leaseMs: 150, sweepMs: 30, drainMs: 0 }
      const define = (own: Store): Engine => {
        const engine = new Engine({ store: own, pace })
        engine.define('pay', (task) =>
          task.attempt('charge', { effect: 'write' }, async () => {
            dispatched++
            begun.resolve()
            if (dispatched === 1) await new Promise(() => undefined)
            return 'paid'
          }),
        )
        return engine
      }
      const first = define(shared(store))
      await first.start()
      const { id } = await first.create({ kind: 'pay', owner: 'ann' })
      await begun.promise
      await first.close()
      const second = define(shared(store))
      await second.start()
      const unknown = await second.finished(id)
      assert.deepEqual([unknown.state, unknown.error?.code], ['unknown', 'task/outcome-unknown'])
      await assert.rejects(second.cancel(id), { code: 'task/illegal' })
      await second.settle(id, { verdict: 'retry' })
      assert.equal((await second.finished(id)).result, 'paid')
      assert.equal(dispatched, 2)
      await second.close()
      await store.close()
    })

    // Where one process owns the store there is no other engine.
    if (name.startsWith('SQLite')) return
    test('another engine on the same store hears of a change', async () => {
      const store = await open()
      const [a, b] = [new Engine({ store: shared(store) }), new Engine({ store: shared(store) })]
      for (const engine of [a, b]) engine.define('ask', (task) => task.wait('go'))
      await a.start()
      await b.start()
      const { id } = await a.create({ kind: 'ask', owner: 'ann' })
      const heard = b.finished(id)
      await b.signal(id, 'go', 'from b')
      assert.equal((await heard).result, 'from b')
      await Promise.all([a.close(), b.close()])
      await store.close()
    })
  })
}

/** Resolves when `isTrue`, looked at now and at each change of the task. */
async function until(engine: Engine, id: string, isTrue: () => Promise<boolean>): Promise<void> {
  const done = Promise.withResolvers<void>()
  const look = async (): Promise<void> => {
    if (await isTrue()) done.resolve()
  }
  const off = engine.watch((changed) => {
    if (changed === id) void look()
  })
  await look()
  await done.promise
  off()
}
