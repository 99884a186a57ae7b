// One life of a process with tasks: takes up what an earlier life left, and creates some.
// `recovery-worker.ts <database> <effects> <tasks>`

import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Engine, openSqliteStore, type TaskState } from '@countersign/engine'
import { endWithParent } from '../listen.ts'
import { INPUT, OUTCOME } from './work.ts'

export type Said =
  | { readonly created: string }
  | { readonly settled: readonly (readonly [id: string, state: TaskState])[] }

const [database = '', effects = '', tasks = '0'] = process.argv.slice(2)
const OPEN = ['working', 'waiting', 'unknown'] as const
/** How long the other side takes to answer: so long a process can die between effect and outcome. */
const ANSWER_MS = 100
/** From one effect to the next in the first life, so that the kill finds tasks at every stage. */
const GAP_MS = 0.5
const LOOK_AGAIN_MS = 5
const PAGE = 500

const say = (said: Said): void => void process.send?.(said)

/** What the other side knows: one line for each effect, in a file that no kill of ours can undo. */
const happened = new Set(existsSync(effects) ? readFileSync(effects, 'utf8').split('\n') : [])

const isFirst = Number(tasks) > 0
let turn = 0
/** Nothing leaves before every task is acknowledged. */
const isAcknowledged = Promise.withResolvers<void>()

const engine = new Engine({
  store: openSqliteStore(database),
  limits: { ownerOpenMax: Number(tasks) + 1 },
})
engine.define('effect', async (task) => {
  await task.step('prepare', () => OUTCOME)
  await task.attempt(
    'send',
    {
      effect: 'write',
      // The dead process sends nothing any more: what is not there will not come.
      reconcile: () =>
        happened.has(task.id) ? { happened: true, result: OUTCOME } : { happened: false },
    },
    async () => {
      await isAcknowledged.promise
      if (isFirst) await sleep(turn++ * GAP_MS)
      appendFileSync(effects, `${task.id}\n`)
      await sleep(ANSWER_MS)
      return OUTCOME
    },
  )
  return await task.step('conclude', () => OUTCOME)
})

async function states(): Promise<readonly (readonly [string, TaskState])[]> {
  const found: (readonly [string, TaskState])[] = []
  for (let cursor: string | undefined, isMore = true; isMore; isMore = cursor !== undefined) {
    const page = await engine.list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) })
    found.push(...page.tasks.map(({ id, state }) => [id, state] as const))
    cursor = page.next
  }
  return found
}

endWithParent()
await engine.start()
await Promise.all(
  Array.from({ length: Number(tasks) }, async () => {
    const { id } = await engine.create({ kind: 'effect', owner: 'bench', input: INPUT })
    say({ created: id })
  }),
)
isAcknowledged.resolve()
while ((await engine.list({ states: OPEN, limit: 1 })).tasks.length > 0) await sleep(LOOK_AGAIN_MS)
say({ settled: await states() })
