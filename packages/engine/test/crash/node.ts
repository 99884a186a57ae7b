/**
 * `node.ts <connection> <witness> <name>`: one of many processes that share a Postgres. Prints
 * `READY`, and `HOLD <id>` when a task stands in the middle of a step; goes on with all of them when
 * it reads a line.
 */
import { once } from 'node:events'
import { argv, stdin } from 'node:process'
import {
  bossDispatcher,
  connectPostgres,
  Engine,
  postgresStore,
  systemWorld,
  type TaskContext,
} from '../../src/index.ts'
import { Witness } from './ask-witness.ts'

const [connectionString = '', socket = '', name = ''] = argv.slice(2)
const witness = new Witness(socket)
const told = once(stdin, 'data')

const happens = async ({ id }: TaskContext, what: string): Promise<string> => {
  await witness.happens(`${id}/${what}`)
  return what
}
const hold = async (task: TaskContext): Promise<string> => {
  await happens(task, `hold-by-${name}`)
  console.log(`HOLD ${task.id}`)
  await told
  return name
}

const engine = new Engine({
  store: await postgresStore(await connectPostgres({ connectionString }, systemWorld)),
  dispatcher: await bossDispatcher({ connectionString, concurrency: 8 }, systemWorld),
  pace: { leaseMs: 3_000, sweepMs: 500, drainMs: 1_000 },
})
engine.define('job', async (task) => {
  await task.step('before', () => happens(task, 'before'))
  const by = await task.step('hold', () => hold(task))
  await task.attempt('charge', { effect: 'write' }, () => happens(task, 'charge'))
  await task.step('after', () => happens(task, 'after'))
  return by
})
engine.define('race', (task) =>
  Promise.race([task.step('hold', () => hold(task)), task.wait('stop')]),
)
engine.define('ask', async (task) => [
  await task.wait('answer'),
  await happens(task, `run-by-${name}`),
])
await engine.start()
console.log('READY')
