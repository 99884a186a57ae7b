import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Engine, openSqliteStore } from '@countersign/engine'
import { z } from 'zod'
import { durableTool } from '../durable/durable-tool.ts'
import { Tasks } from './tasks.ts'

test('what was cancelled when its process died is undone by the next one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-cancelled-'))
  try {
    const file = join(folder, 'tasks.db')
    const effects: string[] = []
    const done = Promise.withResolvers<void>()
    const undone = Promise.withResolvers<void>()
    const tool = durableTool({
      name: 'rent',
      description: 'Rents a room until it is told to stop.',
      input: z.object({}),
      effect: 'idempotent',
      undoOnFailure: true,
      run: async (_input, task) => {
        await task.step('rent', () => effects.push('rent'), {
          undo: () => {
            effects.push('give back')
            undone.resolve()
          },
        })
        done.resolve()
        await task.sleep('stay', 3_600_000)
        return 'left'
      },
    })
    const open = () =>
      Tasks.open({ store: openSqliteStore(file), tools: [tool], onError: () => undefined })

    const first = await open()
    const { task } = await first.create({ tool, input: {}, modes: [] })
    await done.promise
    await first.close()
    // The cancellation was written down; the undoing was not.
    const between = new Engine({ store: openSqliteStore(file) })
    await between.cancel(task.id)
    await between.close()

    const second = await open()
    await undone.promise
    assert.deepEqual(effects, ['rent', 'give back'])
    await second.close()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
