import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openSqliteStore } from '@countersign/engine'
import { z } from 'zod'
import { durableTool, type DurableTool } from '../index.ts'
import { crashAfter, runTool, ToolFailed } from '../testing/index.ts'
import { Tasks } from '../tasks/tasks.ts'

/** A tool that goes from stop to stop, and where it has been. */
function trip(version: string, stops: readonly string[], previous: readonly DurableTool[] = []) {
  const made: string[] = []
  const tool = durableTool({
    name: 'trip',
    description: 'Goes from stop to stop.',
    input: z.object({}),
    effect: 'idempotent',
    version,
    previous,
    async run(_, task) {
      for (const stop of stops) await task.step(stop, () => made.push(stop))
      return stops.join(' ')
    },
  })
  return { tool, made }
}

const waiting = (version: string) =>
  durableTool({
    name: 'waits',
    description: 'Waits.',
    input: z.object({}),
    effect: 'read',
    version,
    async run(_, task) {
      await task.sleep('long', 60_000)
      return 'done'
    },
  })

describe('a tool that changed while its tasks were waiting', () => {
  it('says what it expected, what came instead, and what to do', async () => {
    const old = trip('1', ['a', 'b', 'c'])
    const changed = trip('1', ['a', 'x', 'c'])
    await assert.rejects(
      crashAfter(old.tool, {}, 'b', { resumeWith: changed.tool }),
      (error) =>
        error instanceof ToolFailed &&
        error.code === 'task/nondeterministic' &&
        /Call 2 of its run was "b" when it was recorded; this time it was "x"/.test(
          error.message,
        ) &&
        /new `version` and keep the old one in `previous`/.test(error.message),
    )
    const shorter = trip('1', ['a'])
    await assert.rejects(
      crashAfter(old.tool, {}, 'b', { resumeWith: shorter.tool }),
      /this time it was never made/,
    )
  })

  it('goes on under the version it began with, when that is kept', async () => {
    const old = trip('1', ['a', 'b', 'c'])
    const changed = trip('2', ['a', 'x'], [old.tool])
    const { output } = await crashAfter(old.tool, {}, 'b', { resumeWith: changed.tool })
    assert.equal(output, 'a b c')
    assert.equal((await runTool(changed.tool, {})).output, 'a x')
    assert.deepEqual(changed.made, ['a', 'x'])
  })

  it('ends and says so, when that is gone', async () => {
    const store = openSqliteStore(':memory:')
    const kept = { ...store, close: () => Promise.resolve() }
    const waits = waiting('1')
    const onError = (): void => undefined
    const first = await Tasks.open({ store: kept, tools: [waits], onError })
    const { view } = await first.create({ tool: waits, input: {}, modes: [] })
    const asleep = AbortSignal.timeout(5_000)
    await first.until(view.id, ({ task }) => task.state === 'waiting', asleep)
    await first.close()
    const second = await Tasks.open({ store, tools: [waiting('2')], onError })
    const now = AbortSignal.timeout(5_000)
    const looked = await second.until(view.id, (task) => task.view.end !== undefined, now)
    assert.match(JSON.stringify(looked?.view.end), /began under version 1 of .*no longer has/)
    await second.close()
  })

  it('is refused when two definitions claim to be one', () => {
    const one = trip('1', ['a'])
    assert.throws(() => trip('1', ['b'], [one.tool]), /has a version twice/)
  })
})
