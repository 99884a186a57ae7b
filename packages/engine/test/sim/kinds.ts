import { NotDone, type AttemptContext, type Engine } from '../../src/index.ts'
import type { Process, Timeline } from './timeline.ts'
import type { Witness } from './witness.ts'

/** Where handlers of the simulation live. */
export interface Scene {
  readonly timeline: Timeline
  readonly process: Process
  readonly witness: Witness
  /** Remote tasks by handle: done at this time. */
  readonly remote: Map<string, number>
  /** How often bodies fail, from 0 to 1. */
  readonly failing: () => number
}

export const KINDS = ['mixed', 'saga', 'remote', 'careful', 'parallel', 'parent'] as const
export type SimKind = (typeof KINDS)[number]

/** What each kind gives when it completes. */
export const RESULTS: Readonly<Record<SimKind, unknown>> = {
  mixed: ['a', 'yes', 'written', 'late'],
  saga: undefined,
  remote: 'remote result',
  careful: ['sent', 'found'],
  parallel: [1, 2, 3, 'slept', 'first'],
  parent: ['sent', 'found'],
}

const retry = { tries: 50, firstMs: 20, maxMs: 500 }

/** Defines every kind on one process's engine. */
export function defineKinds(engine: Engine, scene: Scene): void {
  const { timeline, process, witness, remote } = scene
  const { chance } = timeline
  const work = async <Value>(value: Value): Promise<Value> => {
    await process.busy(40)
    if (chance.happens(scene.failing())) throw new Error('it failed')
    await process.busy(40)
    return value
  }
  /** An effect that leaves at some moment of its body, which may end badly before or after. */
  const effect = async <Value>(task: string, name: string, value: Value): Promise<Value> => {
    const arrives = witness.setOut(task, name)
    await process.busy(30)
    if (chance.happens(scene.failing())) throw new NotDone('it was refused')
    arrives()
    await process.busy(30)
    if (chance.happens(scene.failing())) throw new Error('the connection broke')
    return value
  }

  engine.define('mixed', async (task) => {
    const a = await task.step('a', () => work('a'), { retry })
    task.progress(1, 4, 'a')
    const yes = await task.wait('go', { ask: 'go on?' })
    const written = await task.attempt('write', { effect: 'write', retry }, () =>
      effect(task.id, 'write', 'written'),
    )
    await task.sleep('pause', 300)
    const late = await task.wait('also', { timeoutMs: 60_000 })
    return [a, yes, written, late]
  })

  engine.define(
    'saga',
    async (task) => {
      for (const name of ['one', 'two', 'three']) {
        await task.step(name, () => work(name), {
          retry,
          undoEffect: 'write',
          undo: async () => {
            const arrives = witness.setOut(task.id, `undo ${name}`)
            await process.busy(20)
            if (chance.happens(scene.failing())) throw new NotDone('not undone')
            arrives()
            witness.undo(task.id, name)
            await process.busy(20)
          },
        })
      }
      throw new Error('and now back')
    },
    { undoOnFailure: true, retry },
  )

  engine.define('remote', (task) => {
    const poll = async (handle: string, context: AttemptContext): Promise<string> => {
      await process.busy(20)
      if (chance.happens(scene.failing())) throw new Error('the remote does not answer')
      if ((remote.get(handle) ?? 0) > timeline.now) return await context.later(100)
      return 'remote result'
    }
    return task.attempt(
      'remote',
      {
        effect: 'write',
        retry,
        resume: (handle, context) => poll(JSON.stringify(handle), context),
      },
      async (context) => {
        const arrives = witness.setOut(task.id, 'remote')
        await process.busy(20)
        arrives()
        const handle = `${task.id}!`
        remote.set(JSON.stringify(handle), timeline.now + 500)
        await context.handle(handle)
        return await poll(JSON.stringify(handle), context)
      },
    )
  })

  engine.define('careful', async (task) => {
    const sent = await task.attempt(
      'send',
      { effect: 'destructive', reports: true, retry },
      async (context) => {
        await process.busy(20)
        if (chance.happens(scene.failing())) throw new Error('no connection yet')
        await context.dispatched()
        witness.setOut(task.id, 'send')()
        await process.busy(20)
        return 'sent'
      },
    )
    const found = await task.attempt(
      'find',
      {
        effect: 'write',
        retry,
        reconcile: async () => {
          await process.busy(20)
          if (chance.happens(scene.failing())) throw new Error('it cannot be asked')
          if (witness.denies(task.id, 'find')) return { happened: false }
          return { happened: true, result: 'found' }
        },
      },
      () => effect(task.id, 'find', 'found'),
    )
    return [sent, found]
  })

  engine.define('parallel', async (task) => {
    const numbers = await Promise.all(
      [1, 2, 3].map(async (n) => {
        const half = await task.step(`half ${String(n)}`, () => work(n / 2), { retry })
        return await task.step(`whole ${String(n)}`, () => work(half * 2), { retry })
      }),
    )
    const slept = task.sleep('nap', 200).then(() => 'slept')
    const raced = await Promise.race([
      task.step('quick', () => work('first'), { retry }),
      task.wait('never').then(() => 'never'),
    ])
    return [...numbers, await slept, raced]
  })

  engine.define('parent', (task) => task.child('the child', 'careful', null))
}
