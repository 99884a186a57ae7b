import { TaskFault } from '../fault.ts'
import type { Kinds } from '../kinds.ts'
import type { Limits } from '../limits.ts'
import type { Store } from '../store.ts'
import type { World } from '../world.ts'
import { Context, type Undoable } from './context.ts'
import { handle } from './handle.ts'
import { Run } from './run.ts'

/** What reading another task's journal takes. */
export interface UndoParts {
  readonly store: Store
  readonly world: World
  readonly limits: Limits
  readonly kinds: Kinds
}

/**
 * The handler of a task that undoes another one: it takes back what that one completed, the last
 * first, each as a call of its own journal. How, the other's handler says: it is run once more over
 * its old journal, up to where that ends, and nothing new is begun.
 */
export function undoHandler(run: Run, undoes: string, parts: UndoParts): () => Promise<unknown> {
  return async () => {
    const undoables = await follow(undoes, parts)
    for (const { undo } of undoables) await undo(run)
    return { undone: undoables.map(({ name }) => name) }
  }
}

async function follow(id: string, parts: UndoParts): Promise<readonly Undoable[]> {
  const { store, world, limits, kinds } = parts
  const task = await store.get(id)
  if (!task) throw new TaskFault('task/not-found', 'The task to undo is gone.')
  const kind = kinds.find(task.kind, task.version)
  if (!kind) throw new TaskFault('task/unknown-kind', `Nothing here knows how ${task.kind} works.`)
  const journal = await store.journal(id)
  return await new Promise((resolve, reject) => {
    const host = {
      world,
      limits,
      commit: () => Promise.resolve(undefined),
      startChild: () => Promise.resolve(undefined),
      renew: () => Promise.resolve(false),
      ended: () => undefined,
    }
    const reader = new Run(host, { task, journal, signals: [] }, (fault) => {
      if (fault) reject(fault)
      else resolve(context.undoables)
    })
    const context = new Context(reader, undefined)
    void reader.begin(() => handle(kind, context))
  })
}
