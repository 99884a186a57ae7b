/**
 * `worker.ts <database> <witness> <prefix> <tasks> <boundary>`: takes up what is there, creates
 * tasks, and kills itself with SIGKILL at that boundary of the first of them (0: never). Prints
 * `READY`, `CREATED <id>` for each creation that was acknowledged, `IDLE` once all are final.
 */
import { isObject, textAt } from '@countersign/contract'
import { argv, kill, pid } from 'node:process'
import { Engine, openSqliteStore } from '../../src/index.ts'
import { Witness } from './ask-witness.ts'
import { defineJourney } from './journey.ts'

const [database = '', socket = '', prefix = '', tasks = '0', boundary = '0'] = argv.slice(2)
const first = `${prefix}-0`.padStart(24, '0')
let passed = 0

/** One boundary of a story: between any two writes, and on both sides of every effect. */
function at(task: string): void {
  if (task === first && ++passed === Number(boundary)) kill(pid, 'SIGKILL')
}

const store = openSqliteStore(database)
const witness = new Witness(socket)
const engine = new Engine({
  store: {
    ...store,
    commit: async (ops) => {
      const named = ops.flatMap((op) => ('task' in op ? [op.task] : []))
      const ids = named.map((task) => (typeof task === 'string' ? task : task.id))
      for (const id of ids) at(id)
      const verdicts = await store.commit(ops)
      for (const id of ids) at(id)
      return verdicts
    },
  },
  limits: { ownerOpenMax: 10_000 },
})
defineJourney(engine, { witness, at })

const signalled = new Set<string>()

/** Answers whoever waits, and settles what is unknown by asking the witness. */
async function help(id: string): Promise<void> {
  const task = await engine.get(id)
  if (task?.kind !== 'journey') return
  if (task.state === 'waiting' && !signalled.has(id)) {
    signalled.add(id)
    await engine.signal(id, 'go', true, { signalId: 'go' })
  }
  if (task.state !== 'unknown') return
  const data = task.error?.data
  const name = isObject(data) ? textAt(data, 'attempt') : ''
  const what = name === 'reserve' ? 'undo' : name
  const isDone = (await witness.count(`${id}/${what}`)) > 0
  await engine.settle(id, isDone ? { verdict: 'happened', result: what } : { verdict: 'retry' })
}

const open = { states: ['working', 'waiting', 'unknown'], limit: 500 } as const
/** Nothing is left: says so once. */
async function rest(): Promise<void> {
  const { tasks: left } = await engine.list({ ...open, limit: 1 })
  if (left.length === 0 && isCreated) console.log('IDLE')
}

let isCreated = false
let isResting = false
/** Looks once for many changes. */
function restSoon(): void {
  if (isResting) return
  isResting = true
  setImmediate(() => {
    isResting = false
    void rest()
  })
}

engine.watch((id) => {
  void help(id)
    .catch(() => undefined)
    .then(restSoon)
})
await engine.start()
console.log('READY')
for (let cursor: string | undefined, isMore = true; isMore;) {
  const page = await engine.list({ ...open, ...(cursor === undefined ? {} : { cursor }) })
  for (const { id } of page.tasks) void help(id).catch(() => undefined)
  cursor = page.next
  isMore = cursor !== undefined
}
await Promise.all(
  Array.from({ length: Number(tasks) }, async (_, n) => {
    const id = `${prefix}-${String(n)}`.padStart(24, '0')
    await engine.create({ id, kind: 'journey', owner: 'crash' })
    console.log(`CREATED ${id}`)
  }),
)
isCreated = true
console.log(`BOUNDARIES ${String(passed)}`)
await rest()
