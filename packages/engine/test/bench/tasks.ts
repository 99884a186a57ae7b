/** `node packages/engine/test/bench/tasks.ts`: what the engine does in a second, and what waiting costs. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Engine, openSqliteStore } from '../../src/index.ts'

const SECONDS = 3
const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0

function rawSyncs(): number {
  const fd = openSync(join(folder, 'raw'), 'w')
  const bytes = Buffer.alloc(4_096, 'x')
  const end = performance.now() + 1_000
  let count = 0
  for (; performance.now() < end; count++) {
    writeSync(fd, bytes)
    fdatasyncSync(fd)
  }
  closeSync(fd)
  return count
}

async function throughput(callers: number): Promise<string> {
  const engine = new Engine({
    store: openSqliteStore(join(folder, `c${String(callers)}.db`)),
    concurrency: 1_024,
  })
  engine.define('two steps', async (task) => {
    const first = await task.step('one', () => 1)
    return first + (await task.step('two', () => 2))
  })
  await engine.start()
  const latencies: number[] = []
  const started = performance.now()
  const end = started + SECONDS * 1_000
  const input = { tool: 'deploy', text: 'x'.repeat(120) }
  const caller = async (_: unknown, at: number): Promise<void> => {
    while (performance.now() < end) {
      const before = performance.now()
      const { id } = await engine.create({ kind: 'two steps', owner: `p${String(at)}`, input })
      const { state } = await engine.finished(id)
      if (state !== 'completed') throw new Error(state)
      latencies.push(performance.now() - before)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const rate = latencies.length / ((performance.now() - started) / 1_000)
  await engine.close()
  latencies.sort((a, b) => a - b)
  const p50 = quantile(latencies, 0.5).toFixed(2)
  const p99 = quantile(latencies, 0.99).toFixed(2)
  return `${String(callers).padStart(4)} callers ${rate.toFixed(0).padStart(7)} tasks/s   p50 ${p50} ms   p99 ${p99} ms`
}

async function waiting(count: number): Promise<string> {
  const engine = new Engine({
    store: openSqliteStore(join(folder, 'waiting.db')),
    limits: { ownerOpenMax: count },
    concurrency: 4_096,
  })
  engine.define('approval', async (task) => {
    await task.step('prepare', () => 'ready')
    return await task.wait('approve', { ask: { question: 'Go on?' }, timeoutMs: 86_400_000 })
  })
  await engine.start()
  const before = used()
  let last = ''
  for (let at = 0; at < count; at += 1_000) {
    const batch = Array.from({ length: 1_000 }, () =>
      engine.create({ kind: 'approval', owner: 'bench', input: { at } }),
    )
    last = (await Promise.all(batch)).at(-1)?.id ?? ''
  }
  while ((await engine.list({ states: ['working'], limit: 1 })).tasks.length > 0) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  const bytes = (used() - before) / count
  await engine.signal(last, 'approve', { yes: true })
  const { state } = await engine.finished(last)
  await engine.close()
  return `${String(count)} waiting tasks, each with a timer: ${bytes.toFixed(0)} bytes of heap each; one answered: ${state}`
}

function used(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

try {
  console.log(`raw append + fdatasync: ${String(rawSyncs())}/s`)
  for (const callers of [1, 64, 512]) console.log(await throughput(callers))
  console.log(await waiting(100_000))
  if (!globalThis.gc) console.log('(run with --expose-gc for the true memory figure)')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
