import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { serve } from '../../src/index.ts'
import { durableTools, WHO } from '../stories/durable-tools.ts'
import { PROGRAM } from '../stories/hosting.ts'
import { connect, envelope } from '../../../../test/peers/task-peers.ts'

type Loose = Record<string, unknown>
const folder = mkdtempSync(join(tmpdir(), 'countersign-killed-'))
const witness = join(folder, 'witness')
const data = join(folder, 'data')
const running = new Set<ChildProcess>()
after(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})

const seen = (): string[] => (existsSync(witness) ? readFileSync(witness, 'utf8').split('\n') : [])
const count = (start: string): number => seen().filter((line) => line.startsWith(start)).length

/** Starts the server; it goes on with what the one before it left. */
async function serving() {
  const args = [PROGRAM, '--port', '0', '--data', data, '--witness', witness]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  const [line] = await once(child.stdout, 'data')
  const url = /listening (\S+)/.exec(String(line))?.[1]
  assert.ok(url !== undefined)
  const { client, raw } = await connect(new URL(url), 'modern')
  const say = async (method: string, params: Loose, meta: Loose = envelope()) => {
    const answer = await raw.dispatch({ method, params: { ...params, _meta: meta } })
    assert.equal(answer.kind, 'result', JSON.stringify(answer))
    return (answer as { result: Loose }).result
  }
  return {
    say,
    kill: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      running.delete(child)
      await client.close()
    },
    until: async (taskId: unknown, isSo: (task: Loose) => boolean) => {
      for (;;) {
        const task = await say('tasks/get', { taskId })
        if (isSo(task)) return task
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  }
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('a server that is killed in the middle of its tasks', () => {
  it('ends them when it is back: no step that was recorded is done again', async () => {
    const first = await serving()
    const gate = join(folder, 'gate')
    const call = { name: 'gated', arguments: { gate } }
    const { taskId } = await first.say('tools/call', call)
    const asking = await first.say('tools/call', { name: 'booking', arguments: { room: 'red' } })
    await first.until(asking['taskId'], (task) => task['status'] === 'input_required')
    await until(() => count('three') === 1)
    await first.kill()

    const second = await serving()
    const done = await second.until(taskId, (task) => task['status'] !== 'working')
    assert.equal(done['status'], 'completed')
    assert.deepEqual([count('one'), count('two'), count('three')], [1, 1, 2])
    // The one that was cut off came again with the same key.
    assert.equal(new Set(seen().filter((line) => line.startsWith('three'))).size, 1)

    const inputResponses = { who: { action: 'accept', content: { name: 'Ada' } } }
    await second.say('tasks/update', { taskId: asking['taskId'], inputResponses })
    const isAsked = (task: Loose): boolean => 'sure' in ((task['inputRequests'] ?? {}) as Loose)
    await second.until(asking['taskId'], isAsked)
    await second.kill()

    const third = await serving()
    const sure = { sure: { action: 'accept', content: { yes: true } } }
    await third.say('tasks/update', { taskId: asking['taskId'], inputResponses: sure })
    const booked = await third.until(asking['taskId'], (task) => task['status'] === 'completed')
    assert.match(JSON.stringify(booked['result']), /red is booked for Ada/)
    assert.equal(count('reserve red'), 1)
    await third.kill()
  })

  it('asks what became of a write that may have happened, and never repeats it by itself', async () => {
    const first = await serving()
    const pay = (meta?: Loose) => first.say('tools/call', { name: 'pays', arguments: {} }, meta)
    const clientless = { ...envelope(), ...NOBODY }
    const tasks = [await pay(), await pay(), await pay(clientless)]
    await until(() => count('pay') === 3)
    await first.kill()

    const second = await serving()
    const [gone, given, unasked] = tasks.map((task) => task['taskId'])
    const verdicts = [
      [gone, 'happened'],
      [given, 'give up'],
    ] as const
    for (const [taskId, outcome] of verdicts) {
      const task = await second.until(taskId, ({ status }) => status === 'input_required')
      const [key, request] = Object.entries(task['inputRequests'] as Loose)[0]!
      assert.match(JSON.stringify(request), /cannot tell whether it happened/)
      const inputResponses = { [key]: { action: 'accept', content: { outcome } } }
      await second.say('tasks/update', { taskId, inputResponses })
    }
    const isOver = ({ status }: Loose): boolean => status === 'completed'
    assert.match(JSON.stringify((await second.until(gone, isOver))['result']), /paid/)
    const lost = await second.until(given, isOver)
    assert.match(JSON.stringify(lost['result']), /isError.*unknown|unknown.*isError/)
    const alone = await second.until(unasked, isOver)
    assert.match(JSON.stringify(alone['result']), /unknown whether \\"pay\\" happened/)
    assert.equal(count('pay'), 3)
    await second.kill()
  })

  it('does not share its folder, and says so', async () => {
    const first = await serving()
    await assert.rejects(
      serve(durableTools({ saw: () => undefined }), { ...WHO, data, http: { port: 0 } }),
      /Another process already serves the tasks in .*Stop it, or give this one a folder/,
    )
    await first.kill()
  })
})

/** A client behind which nobody can be asked. */
const NOBODY = {
  'io.modelcontextprotocol/clientCapabilities': {
    extensions: { 'io.modelcontextprotocol/tasks': {} },
  },
}
