import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Json } from '@countersign/contract'
import { Engine, TaskFault, type EngineOptions, type TaskFaultCode } from '../../src/index.ts'
import type { OpenStore } from './samples.ts'

const isFault = (code: TaskFaultCode) => (error: unknown) =>
  error instanceof TaskFault && error.code === code

/** What no store may trip over: half characters, NUL, names that mean something to JavaScript. */
const EVIL = [
  '\u0000',
  '\uD800',
  'a\uDFFFb',
  '__proto__',
  'constructor',
  '\u2028',
  '\\u0000',
  '☃',
  '',
]
const evil: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...EVIL),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const anyJson: fc.Arbitrary<unknown> = fc
  .letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      evil,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(evil, tie('value'), { maxKeys: 3 }),
    ),
  }))
  .value.map((value): unknown => JSON.parse(JSON.stringify(value)))

/** Lists in lists, deeper than any recursion goes. */
const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let at = 0; at < depth; at++) value = [value]
  return value
}

/** What comes from outside, and from handlers, at its worst. */
export function hostileSuite(name: string, open: OpenStore): void {
  const withEngine = async (
    body: (engine: Engine) => Promise<void>,
    options: Partial<EngineOptions> = {},
  ): Promise<void> => {
    const engine = new Engine({ store: await open(), ...options })
    engine.define('echo', (task) => task.input)
    engine.define('asks', async (task) => [await task.wait('go', { ask: task.input }), task.input])
    engine.define('waits', (task) => task.wait('never'))
    await engine.start()
    try {
      await body(engine)
    } finally {
      await engine.close()
    }
  }
  const ann = { owner: 'ann' } as const

  describe(`${name}: bad input`, () => {
    test('whatever JSON says goes in and comes out the same, everywhere', async () => {
      await withEngine(async (engine) => {
        engine.define('everywhere', async (task) => {
          const value = await task.step('step', () => task.input)
          task.status(JSON.stringify(value))
          return [value, await task.wait('go', { ask: value })]
        })
        const property = fc.asyncProperty(anyJson, async (value) => {
          const order = { kind: 'everywhere', ...ann, input: value, metadata: value as Json }
          const { id } = await engine.create(order)
          await engine.signal(id, 'go', value)
          const { result, metadata, state } = await engine.finished(id)
          assert.equal(state, 'completed')
          assert.equal(JSON.stringify(result), JSON.stringify([value, value]))
          assert.equal(JSON.stringify(metadata), JSON.stringify(value))
        })
        await fc.assert(property, { numRuns: 60 })
      })
      assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
    })

    test('what is asked may contain anything, and can be answered', async () => {
      await withEngine(async (engine) => {
        for (const ask of [...EVIL, { '\u0000': '\uD800\\u0000' }, nested(500)]) {
          const { id } = await engine.create({ kind: 'asks', ...ann, input: ask })
          await answer(engine, id)
          const { result } = await engine.finished(id)
          assert.equal(JSON.stringify(result), JSON.stringify(['yes', ask]))
        }
      })
    })

    test('names are refused or kept to the letter, whatever is in them', async () => {
      await withEngine(async (engine) => {
        const property = fc.asyncProperty(evil, evil, async (owner, key) => {
          const order = { kind: 'waits', owner, key: key + '.' }
          // What no database keeps is refused, and in one word.
          const isGood = [owner, order.key].every(
            (each) =>
              each !== '' &&
              each.isWellFormed() &&
              !/\p{Cc}/u.test(each.replace(/[\u0080-\u009F]/g, '')),
          )
          if (!isGood) {
            await assert.rejects(engine.create(order), isFault('task/bad-name'))
            return
          }
          const { id } = await engine.create(order)
          const task = await engine.get(id, owner)
          assert.deepEqual([task?.owner, task?.key], [owner, order.key])
          assert.equal(
            (await engine.list({ owner })).tasks.some((each) => each.id === id),
            true,
          )
        })
        await fc.assert(property, { numRuns: 60 })
        const long = 'n'.repeat(501)
        for (const bad of [
          { owner: long },
          { owner: 'ann', key: long },
          { owner: 'ann', run: long },
        ]) {
          await assert.rejects(engine.create({ kind: 'waits', ...bad }), isFault('task/bad-name'))
        }
        const fits = 'n'.repeat(500)
        await engine.create({ kind: 'waits', owner: fits, key: fits, run: fits })
      })
    })

    test('an id that cannot be is no task, whatever is asked of it', async () => {
      await withEngine(async (engine) => {
        for (const id of [
          ...EVIL,
          '../../etc/passwd',
          "'; DROP TABLE tasks; --",
          'x'.repeat(100_000),
        ]) {
          assert.equal(await engine.get(id), undefined)
          assert.deepEqual(await engine.journal(id), [])
          for (const ask of [
            engine.cancel(id),
            engine.signal(id, 'go', 1),
            engine.settle(id, { verdict: 'retry' }),
            engine.undo(id),
            engine.finished(id),
          ]) {
            await assert.rejects(ask, isFault('task/not-found'))
          }
          await assert.rejects(
            engine.create({ kind: 'echo', ...ann, id }),
            isFault('task/bad-name'),
          )
        }
      })
    })

    test('a cursor of any shape is a place or refused, and never anything else', async () => {
      await withEngine(async (engine) => {
        await engine.create({ kind: 'waits', ...ann })
        const property = fc.asyncProperty(
          fc.oneof(evil, fc.base64String(), fc.string({ maxLength: 300 })),
          async (cursor) => {
            try {
              const { tasks } = await engine.list({ cursor })
              assert.ok(tasks.length <= 1)
            } catch (error) {
              assert.ok(isFault('task/bad-cursor')(error), String(error))
            }
          },
        )
        await fc.assert(property, { numRuns: 60 })
        for (const limit of [NaN, -1, 0, 1e9, 0.5]) {
          assert.equal((await engine.list({ limit })).tasks.length, 1)
        }
      })
    })

    test('times that are no times are refused, and what is left of a millisecond counts as one', async () => {
      await withEngine(async (engine) => {
        for (const bad of ['ttlMs', 'deadlineMs', 'delayMs', 'pollMs']) {
          const order = { kind: 'echo', ...ann, [bad]: NaN }
          await assert.rejects(engine.create(order), isFault('task/bad-value'))
        }
        const odd = { ttlMs: 1e6 + 0.1, deadlineMs: Infinity, delayMs: 0.5, pollMs: 0.1 }
        const { id } = await engine.create({ kind: 'echo', ...ann, input: 'odd', ...odd })
        assert.equal((await engine.finished(id)).result, 'odd')
        engine.define('naps', async (task) => {
          await task.sleep('third', 10 / 3)
          await task.wait('third', { timeoutMs: 10 / 3 }).catch(() => undefined)
          const codes: unknown[] = []
          const note = (error: unknown): number => codes.push((error as { code?: unknown }).code)
          await task.sleep('never a number', NaN).catch(note)
          await task.wait('never a number', { timeoutMs: NaN }).catch(note)
          return codes
        })
        const naps = await engine.create({ kind: 'naps', ...ann })
        const { result } = await engine.finished(naps.id)
        assert.deepEqual(result, ['task/bad-value', 'task/bad-value'])
      })
    })

    test('values over the limits, too deep or of no JSON are refused, wherever they turn up', async () => {
      const limits = { inputBytesMax: 50_000, valueBytesMax: 50_000 }
      const cycle: { self?: unknown } = {}
      cycle.self = cycle
      const bad = { big: 1n, cycle, deep: nested(200_000) } as const
      await withEngine(
        async (engine) => {
          const { id } = await engine.create({ kind: 'waits', ...ann })
          for (const value of Object.values(bad)) {
            const order = { kind: 'echo', ...ann, input: value }
            await assert.rejects(engine.create(order), isFault('task/bad-value'))
            await assert.rejects(engine.signal(id, 'go', value), isFault('task/bad-value'))
          }
          const huge = 'x'.repeat(50_000)
          await assert.rejects(engine.signal(id, 'go', huge), isFault('task/input-too-large'))
          const metadata = engine.create({ kind: 'echo', ...ann, metadata: huge })
          await assert.rejects(metadata, isFault('task/input-too-large'))
          engine.define('bad', async (task) => {
            const codes: unknown[] = []
            const note = (error: unknown): number => codes.push((error as { code?: unknown }).code)
            for (const [what, value] of Object.entries({ ...bad, huge })) {
              await task.step(`step ${what}`, () => value).catch(note)
              await task.attempt(`attempt ${what}`, { effect: 'write' }, () => value).catch(note)
              await task.wait(`wait ${what}`, { ask: value as Json, timeoutMs: 1 }).catch(note)
              await task.child(`child ${what}`, 'echo', value).catch(note)
            }
            return codes
          })
          const made = await engine.create({ kind: 'bad', ...ann })
          const { state, result, error } = await engine.finished(made.id)
          assert.equal(state, 'completed', error?.message)
          const value = Array.from({ length: 12 }, () => 'task/bad-value')
          const large = ['task/value-too-large', 'task/value-too-large', 'task/value-too-large']
          assert.deepEqual(result, [...value, ...large, 'task/input-too-large'])
        },
        { limits },
      )
    })

    test('whatever is thrown, the task has a failure in words and the process lives', async () => {
      const odd = new Error('odd')
      Object.assign(odd, { message: { toString: 1 }, name: 5, code: Symbol('no') })
      const throwing = new Error('getter')
      Object.defineProperty(throwing, 'message', {
        get: () => {
          throw new Error('not even this')
        },
      })
      const cycle: Record<string, unknown> = {}
      cycle['self'] = cycle
      const fault = new TaskFault('task/illegal', 'own', { data: cycle as Json })
      const thrown = [null, undefined, 5n, Symbol('s'), Object.create(null), odd, throwing, fault]
      await withEngine(async (engine) => {
        engine.define<number>('throws', (task) => {
          throw thrown[task.input]
        })
        engine.define<number>('throws within', (task) =>
          task.step('step', () => {
            throw thrown[task.input]
          }),
        )
        for (const kind of ['throws', 'throws within']) {
          for (const [input] of thrown.entries()) {
            const { id } = await engine.create({ kind, ...ann, input })
            const { state, error } = await engine.finished(id)
            assert.equal(state, 'failed')
            assert.equal(typeof error?.message, 'string')
            assert.equal(typeof error?.name, 'string')
          }
        }
      })
    })

    test('nobody can speak for a child, or take its place', async () => {
      await withEngine(async (engine) => {
        engine.define('parent', (task) => task.child('one', 'asks', 'real?'))
        const { id } = await engine.create({ kind: 'parent', ...ann })
        const child = await childOf(engine, id)
        const forged = { state: 'completed', result: 'forged' }
        const reserved = `child:${child}`
        await assert.rejects(engine.signal(id, reserved, forged), isFault('task/bad-name'))
        const signalId = { signalId: reserved }
        await assert.rejects(engine.signal(id, 'x', forged, signalId), isFault('task/bad-name'))
        await engine.signal(id, 'x', forged, { signalId: child })
        await answer(engine, child)
        assert.deepEqual((await engine.finished(id)).result, ['yes', 'real?'])
      })
    })

    test('progress and status of any size and any number are shown short, or not at all', async () => {
      await withEngine(async (engine) => {
        engine.define('loud', async (task) => {
          task.progress(NaN)
          task.progress(1, Infinity, 'm'.repeat(1_000_000))
          task.status('s\u0000\uD800'.repeat(1_000_000))
          await task.step('one', () => 1)
          return await task.wait('go', { ask: 1 })
        })
        const { id } = await engine.create({ kind: 'loud', ...ann })
        await answer(engine, id)
        const { progress, status } = await engine.finished(id)
        assert.deepEqual(
          [progress?.done, progress?.total, progress?.message?.length],
          [1, undefined, 4_000],
        )
        assert.equal(status?.length, 4_000)
      })
    })
  })
}

/** Answers as soon as it is asked. */
async function answer(engine: Engine, id: string): Promise<void> {
  await seen(engine, async () => ((await engine.get(id))?.waits.length ?? 0) > 0)
  await engine.signal(id, 'go', 'yes', { isExpected: true })
}

async function childOf(engine: Engine, parent: string): Promise<string> {
  let child = ''
  await seen(engine, async () => {
    const { tasks } = await engine.list({ owner: 'ann' })
    child = tasks.find((task) => task.parent === parent && task.waits.length > 0)?.id ?? ''
    return child !== ''
  })
  return child
}

/** Resolves when `isTrue`, looked at now and whenever a task has changed. */
async function seen(engine: Engine, isTrue: () => Promise<boolean>): Promise<void> {
  const done = Promise.withResolvers<void>()
  const look = async (): Promise<void> => {
    if (await isTrue()) done.resolve()
  }
  const off = engine.watch(() => void look())
  await look()
  await done.promise
  off()
}
