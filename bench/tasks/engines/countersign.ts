import { join } from 'node:path'
import {
  bossDispatcher,
  connectPostgres,
  Engine,
  openSqliteStore,
  postgresStore,
  systemWorld,
} from '@countersign/engine'
import { checkOutcome, INPUT, takeStep, type Place, type Subject } from '../work.ts'

const KIND = 'two steps'
/** Above the most callers, so that no task waits for its turn. */
const CONCURRENCY = 1_024

/** Our engine as one process runs it: SQLite, every commit on disk. */
export function openEmbedded({ folder }: Place): Promise<Subject> {
  const store = openSqliteStore(join(folder, 'tasks.db'))
  return begin(new Engine({ store, concurrency: CONCURRENCY }))
}

/** Our engine as many processes run it: a shared Postgres, tasks spread by pg-boss. */
export async function openOnPostgres({ postgres }: Place): Promise<Subject> {
  if (postgres === undefined) throw new TypeError('there is no Postgres')
  const link = await connectPostgres({ connectionString: postgres }, systemWorld)
  const dispatcher = await bossDispatcher(
    { connectionString: postgres, concurrency: CONCURRENCY },
    systemWorld,
  )
  const store = await postgresStore(link)
  return await begin(new Engine({ store, dispatcher, concurrency: CONCURRENCY }))
}

async function begin(engine: Engine): Promise<Subject> {
  defineTwoSteps(engine)
  await engine.start()
  return {
    once: (caller) => doTask(engine, caller),
    close: () => engine.close(),
  }
}

export function defineTwoSteps(engine: Engine): void {
  engine.define(KIND, async (task) => {
    await task.step('one', takeStep)
    return await task.step('two', takeStep)
  })
}

/** Creates a task and resolves with its id once that is durable. */
export async function createTask(engine: Engine, owner: string, input: object): Promise<string> {
  const { id } = await engine.create({ kind: KIND, owner, input })
  return id
}

async function doTask(engine: Engine, caller: number): Promise<void> {
  const id = await createTask(engine, `caller ${String(caller)}`, INPUT)
  const { state, result } = await engine.finished(id)
  if (state !== 'completed') throw new Error(`the task ${id} is ${state}`)
  checkOutcome(result)
}
