import type { Engine, TaskContext } from '../../src/index.ts'
import type { Witness } from './ask-witness.ts'

/** What must have happened exactly once for each task, and at least once. */
export const ONCE: readonly string[] = ['charge', 'ship', 'remote', 'undo']
export const OFTEN: readonly string[] = ['prepare', 'read', 'put', 'reserve', 'child']

/** Where a process may be killed: `at` is called at every boundary of the task's story. */
export interface Story {
  readonly witness: Witness
  readonly at: (task: string) => void
}

/** One task that uses everything: each kind of effect, a wait, a timer, an undo, a child. */
export function defineJourney(engine: Engine, { witness, at }: Story): void {
  const happens = async (task: TaskContext, what: string): Promise<string> => {
    at(task.id)
    await witness.happens(`${task.id}/${what}`)
    at(task.id)
    return what
  }
  engine.define('leaf', (task) => task.step('leaf', () => 'leaf'))
  engine.define('journey', async (task) => {
    await task.step('prepare', () => happens(task, 'prepare'))
    await task.attempt('read', { effect: 'read' }, () => happens(task, 'read'))
    await task.attempt('put', { effect: 'idempotent' }, () => happens(task, 'put'))
    await task.attempt('charge', { effect: 'write' }, () => happens(task, 'charge'))
    await task.attempt('ship', { effect: 'destructive', reports: true }, async (context) => {
      at(task.id)
      await context.dispatched()
      return await happens(task, 'ship')
    })
    await task.attempt(
      'remote',
      { effect: 'write', resume: (handle) => `resumed ${JSON.stringify(handle)}` },
      async (context) => {
        await happens(task, 'remote')
        await context.handle('remote 1')
        return await context.later(1)
      },
    )
    await task.wait('go')
    await task.sleep('nap', 1)
    await task.step('reserve', () => happens(task, 'reserve'), {
      undoEffect: 'write',
      undo: () => happens(task, 'undo'),
    })
    await task.child('child', 'leaf', null)
    await task.step('after the child', () => happens(task, 'child'))
    await task.undo()
    return 'arrived'
  })
}
