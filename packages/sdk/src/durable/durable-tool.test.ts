import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { durableTool } from '../index.ts'
import { crashAfter, crashEverywhere, runTool, ToolFailed } from '../testing/index.ts'

const Sure = z.object({ yes: z.boolean() })

/** Publishes documents, as far as a test can. */
const workshop = () => {
  const done: string[] = []
  const publish = durableTool({
    name: 'publish',
    description: 'Publishes documents.',
    input: z.object({ files: z.array(z.string()) }),
    output: z.object({ published: z.number() }),
    effect: 'idempotent',
    async run({ files }, task) {
      for (const [at, file] of files.entries()) {
        await task.step(
          `index ${file}`,
          () => {
            done.push(file)
            return file
          },
          { undo: (value) => done.push(`-${value}`) },
        )
        task.progress(at + 1, files.length, file)
      }
      await task.sleep('a night', 8 * 3_600_000)
      const answer = await task.ask('sure', { message: 'Publish?', schema: Sure })
      if (answer.action === 'accept' && answer.value.yes) return { published: files.length }
      await task.undo()
      return { published: 0 }
    },
  })
  return { publish, done }
}

describe('a durable tool on the bench', () => {
  it('runs to its end, a night in no time, and asks', async () => {
    const { publish, done } = workshop()
    const ran = await runTool(publish, { files: ['a', 'b'] }, { answers: { sure: { yes: true } } })
    assert.deepEqual(ran.output, { published: 2 })
    assert.deepEqual(done, ['a', 'b'])
    assert.equal(ran.elapsedMs, 8 * 3_600_000)
    assert.deepEqual(
      ran.asked.map(({ name, message }) => [name, message]),
      [['sure', 'Publish?']],
    )
  })
  it('takes back what it did, last first', async () => {
    const { publish, done } = workshop()
    const { output } = await runTool(
      publish,
      { files: ['a', 'b'] },
      { answers: { sure: 'decline' } },
    )
    assert.deepEqual(output, { published: 0 })
    assert.deepEqual(done, ['a', 'b', '-b', '-a'])
  })

  it('ends the same wherever it is killed, and does no recorded step again', async () => {
    const { publish } = workshop()
    const answers = { sure: { yes: true } }
    assert.ok((await crashEverywhere(publish, { files: ['a', 'b'] }, { answers })) > 6)
    const before = { answers, when: 'before' } as const
    assert.ok((await crashEverywhere(publish, { files: ['a', 'b'] }, before)) > 6)
  })

  it('does a step once that was recorded when the process died, and twice when it was not', async () => {
    const { publish, done } = workshop()
    const answers = { sure: { yes: true } }
    const { tries } = await crashAfter(publish, { files: ['a'] }, 'index a', { answers })
    assert.deepEqual(tries, { 'index a': 1 })
    const again = { answers, when: 'before' } as const
    const other = await crashAfter(publish, { files: ['a'] }, 'index a', again)
    assert.deepEqual(other.tries, { 'index a': 2 })
    assert.deepEqual(done, ['a', 'a', 'a'])
  })

  it('never repeats a write that may have happened, unless somebody can say', async () => {
    let charged = 0
    const pay = (isKnown: boolean) =>
      durableTool({
        name: 'pay',
        description: 'Charges a card.',
        input: z.object({}),
        effect: 'write',
        run: async (_, task) => {
          const paid = await task.step('charge', () => ++charged, {
            effect: 'write',
            ...(isKnown ? { reconcile: () => ({ happened: true, result: 7 }) } : {}),
          })
          return `charged ${String(paid)}`
        },
      })
    const before = { when: 'before' } as const
    await assert.rejects(crashAfter(pay(false), {}, 'charge', before), (error) => {
      assert.ok(error instanceof ToolFailed)
      assert.equal(error.state, 'unknown')
      return true
    })
    assert.equal(charged, 1)
    assert.equal((await crashAfter(pay(true), {}, 'charge', before)).output, 'charged 7')
    assert.equal(charged, 2)
  })
})
