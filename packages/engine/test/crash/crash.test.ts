import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { openSqliteStore } from '../../src/index.ts'
import { Witness } from './ask-witness.ts'
import { OFTEN, ONCE } from './journey.ts'

const TASKS = 1_000
/** Beside the one that is killed at a boundary, so that recovery has company. */
const COMPANY = 5
const BATCH = 40
/** Eighty processes are started and killed: more than a test usually needs on a busy machine. */
const LIMIT_MS = 200_000

const folder = mkdtempSync(join(tmpdir(), 'countersign-crash-'))
const database = join(folder, 'tasks.db')
const socket = join(folder, 'witness.sock')
const children = new Set<ChildProcess>()
const acknowledged = new Set<string>()

const script = (name: string): string => join(import.meta.dirname, name)

function start(name: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [script(name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** Runs a worker until `see` says so, or it dies by itself. Resolves with how it ended. */
function work(
  prefix: string,
  tasks: number,
  boundary: number,
  see: (line: string, kill: () => void) => void,
): Promise<NodeJS.Signals | null> {
  const args = [database, socket, prefix, String(tasks), String(boundary)]
  const child = start('worker.ts', args)
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const [word, id = ''] = line.split(' ')
    if (word === 'CREATED') acknowledged.add(id)
    see(line, () => child.kill('SIGKILL'))
  })
  return new Promise((resolve) => {
    child.once('close', (_, signal) => {
      resolve(signal)
    })
  })
}

before(async () => {
  const witness = start('witness.ts', [socket])
  await new Promise<void>((resolve) => {
    createInterface({ input: witness.stdout! }).once('line', () => {
      resolve()
    })
  })
})

after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Kills at every boundary: until a story ends before it has reached so many. */
async function killAtEveryBoundary(): Promise<number> {
  for (let boundary = 1; ; boundary++) {
    const prefix = `boundary${String(boundary)}`
    await work(prefix, 1 + COMPANY, boundary, (line, kill) => {
      if (line === 'IDLE') kill()
    })
    if (!(await isCutOff(prefix))) return boundary - 1
  }
}

/** Kills at random, while a batch is being created and worked on. */
async function killAtRandom(): Promise<number> {
  for (let kills = 0; ; kills++) {
    const size = Math.min(BATCH, TASKS - acknowledged.size)
    if (size <= 0) return kills
    await work(`random${String(kills)}`, size, 0, (line, kill) => {
      if (line.startsWith('CREATED')) setTimeout(kill, Math.random() * 100)
    })
  }
}

/** One life in peace; resolves with how long it took to be ready, and to have settled everything. */
async function recover(): Promise<{ readonly readyMs: number; readonly settledMs: number }> {
  const started = performance.now()
  let readyMs = 0
  await work('last', 0, 0, (line, kill) => {
    if (line === 'READY') readyMs = performance.now() - started
    if (line === 'IDLE') kill()
  })
  return { readyMs, settledMs: performance.now() - started }
}

test(
  '1,000 tasks survive kill -9 at every boundary and at random; no effect is lost or doubled',
  { timeout: LIMIT_MS },
  async (t) => {
    const boundaries = await killAtEveryBoundary()
    assert.ok(boundaries > 50, `only ${String(boundaries)} boundaries`)
    const kills = await killAtRandom()
    const { readyMs, settledMs } = await recover()
    const store = openSqliteStore(database)
    const witness = new Witness(socket)
    const counts = await witness.all()
    witness.close()
    for (const id of acknowledged) {
      assert.equal((await store.get(id))?.state, 'completed', id)
      for (const what of ONCE) assert.equal(counts.get(`${id}/${what}`), 1, `${id}/${what}`)
      for (const what of OFTEN) assert.ok((counts.get(`${id}/${what}`) ?? 0) >= 1, `${id}/${what}`)
    }
    await store.close()
    // Also of those whose creation was never acknowledged.
    for (const [key, count] of counts) {
      if (ONCE.includes(key.split('/')[1] ?? '')) assert.equal(count, 1, key)
    }
    t.diagnostic(
      `${String(acknowledged.size)} tasks, all completed; killed at ${String(boundaries)} boundaries and ${String(kills)} times at random; last start: ready after ${readyMs.toFixed(0)} ms, all settled after ${settledMs.toFixed(0)} ms`,
    )
  },
)

/** True when the first task of this prefix did not come to its end before the process did. */
async function isCutOff(prefix: string): Promise<boolean> {
  const store = openSqliteStore(database)
  const task = await store.get(`${prefix}-0`.padStart(24, '0'))
  await store.close()
  return task?.state !== 'completed'
}
