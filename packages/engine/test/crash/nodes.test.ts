import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import {
  bossDispatcher,
  connectPostgres,
  Engine,
  postgresStore,
  systemWorld,
  type Task,
} from '../../src/index.ts'
import { findPostgres, startPostgres, type RunningPostgres } from '../stores/start-postgres.ts'
import { Witness } from './ask-witness.ts'

const TASKS = 40
/** As many as a node runs at once. */
const HELD = 8

const found = findPostgres()
const folder = mkdtempSync(join(tmpdir(), 'countersign-nodes-'))
const socket = join(folder, 'witness.sock')
const children = new Set<ChildProcess>()

function start(script: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.add(child)
  return child
}

/** A process that runs tasks; what it has said so far. */
class Node {
  readonly child: ChildProcess
  readonly held = new Set<string>()
  readonly #ready = Promise.withResolvers<void>()
  #heard: (() => void) | undefined

  constructor(name: string, connectionString: string) {
    this.child = start('node.ts', [connectionString, socket, name])
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const [word, id = ''] = line.split(' ')
      if (word === 'READY') this.#ready.resolve()
      if (word === 'HOLD') this.held.add(id)
      this.#heard?.()
    })
  }

  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /** Resolves once it stands in the middle of so many tasks. */
  async holds(count: number): Promise<void> {
    while (this.held.size < count) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }
}

after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

if ('why' in found) {
  test('nodes that share a Postgres were not tried', { skip: found.why }, () => undefined)
} else {
  let server: RunningPostgres
  let engine: Engine
  let nodes: readonly [Node, Node]

  before(async () => {
    server = await startPostgres(found.bin)
    const { connectionString } = server
    const witness = start('witness.ts', [socket])
    await new Promise((resolve) => {
      createInterface({ input: witness.stdout! }).once('line', resolve)
    })
    nodes = [new Node('a', connectionString), new Node('b', connectionString)]
    await Promise.all(nodes.map(({ ready }) => ready))
    // Whoever only creates, signals and asks: it runs nothing itself.
    const boss = await bossDispatcher({ connectionString }, systemWorld)
    engine = new Engine({
      store: await postgresStore(await connectPostgres({ connectionString }, systemWorld)),
      dispatcher: { ...boss, start: () => Promise.resolve() },
      concurrency: 0,
    })
    for (const kind of ['job', 'race', 'ask']) engine.define(kind, () => undefined)
    await engine.start()
  })
  after(async () => {
    await engine.close()
    for (const child of children) child.kill('SIGKILL')
    await server.stop()
  })

  test('a signal from one process wakes a task in another, whether it runs or waits', async () => {
    const runs = await engine.create({ kind: 'race', owner: 'ann' })
    await Promise.race(nodes.map((node) => node.holds(1)))
    await engine.signal(runs.id, 'stop', 'stopped')
    assert.equal((await engine.finished(runs.id)).result, 'stopped')
    const waits = await engine.create({ kind: 'ask', owner: 'ann' })
    await waiting(engine, waits.id)
    await engine.signal(waits.id, 'answer', 'yes')
    const { result } = await engine.finished(waits.id)
    assert.ok(Array.isArray(result) && result[0] === 'yes', JSON.stringify(result))
    for (const node of nodes) node.held.clear()
  })

  test('two processes share tasks; what one held when it was killed, the other finishes once', async (t) => {
    const order = { kind: 'job', owner: 'ann' }
    const tasks = await Promise.all(Array.from({ length: TASKS }, () => engine.create(order)))
    const [a, b] = nodes
    await Promise.all([a.holds(HELD), b.holds(HELD)])
    assert.equal(new Set([...a.held, ...b.held]).size, 2 * HELD)
    a.child.kill('SIGKILL')
    const killed = performance.now()
    b.child.stdin?.write('go\n')
    const done = await Promise.all(tasks.map(({ id }) => engine.finished(id)))
    const tookMs = performance.now() - killed
    assert.deepEqual(
      done.map(({ state, result }) => [state, result]),
      tasks.map(() => ['completed', 'b']),
    )
    await judge(engine, done, a.held)
    const held = `${String(HELD)} held tasks taken over`
    t.diagnostic(`${held}, ${String(TASKS)} done ${tookMs.toFixed(0)} ms after kill -9`)
  })
}

/** Each step and each effect once, but for the step in which a process died. */
async function judge(
  engine: Engine,
  tasks: readonly Task[],
  taken: ReadonlySet<string>,
): Promise<void> {
  const witness = new Witness(socket)
  const counts = await witness.all()
  witness.close()
  for (const { id, epoch } of tasks) {
    const isTaken = taken.has(id)
    const times = (what: string): number | undefined => counts.get(`${id}/${what}`)
    assert.deepEqual(
      [times('before'), times('hold-by-b'), times('charge'), times('after')],
      [1, 1, 1, 1],
    )
    assert.equal(times('hold-by-a'), isTaken ? 1 : undefined)
    assert.equal(epoch > 1, isTaken, `epoch ${String(epoch)}`)
    const outcomes = (await engine.journal(id)).filter(({ kind }) => kind === 'done')
    assert.deepEqual(
      outcomes.map(({ name }) => name),
      ['before', 'hold', 'charge', 'after'],
    )
  }
}

/** Resolves when the task has been let go. */
async function waiting(engine: Engine, id: string): Promise<void> {
  const done = Promise.withResolvers<void>()
  const look = async (): Promise<void> => {
    if ((await engine.get(id))?.state === 'waiting') done.resolve()
  }
  const off = engine.watch((changed) => {
    if (changed === id) void look()
  })
  await look()
  await done.promise
  off()
}
