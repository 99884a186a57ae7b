import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { durableTool, type DurableContext } from '../index.ts'
import { crashAfter, crashEverywhere, runTool, ToolFailed } from '../testing/index.ts'

/** A tool that does just this. */
const doing = (
  run: (task: DurableContext) => Promise<Record<string, unknown>>,
  more: { readonly undoOnFailure?: boolean } = {},
) =>
  durableTool({
    name: 'does',
    description: 'Does just this.',
    input: z.object({}),
    output: z.looseObject({}),
    effect: 'idempotent',
    ...more,
    run: (_, task) => run(task),
  })

describe('what a durable tool is given', () => {
  it('gives time, chance and names that a crash does not change', async () => {
    const seen: unknown[][] = []
    const tool = doing(async (task) => {
      await task.sleep('a while', 5_000)
      const given = [task.now(), task.random(), task.newId(), task.random(), task.newId()]
      seen.push(given)
      await task.step('after', () => null)
      await task.step('last', () => null)
      return { given }
    })
    const { output } = await crashAfter(tool, {}, 'after')
    assert.equal(seen.length, 2)
    assert.deepEqual(seen[0], seen[1])
    assert.equal(new Set(seen[0]).size, 5)
    assert.deepEqual(output['given'], seen[0])
  })

  it('tries a step again after pauses that grow, and then gives up', async () => {
    let tries = 0
    const flaky = (until: number) =>
      doing((task) =>
        task.step(
          'flaky',
          () => {
            if (++tries < until) throw new Error(`try ${String(tries)}`)
            return { tries }
          },
          { retry: { tries: 3, firstMs: 1_000, jitter: 0 } },
        ),
      )
    const { output, elapsedMs } = await runTool(flaky(3), {})
    assert.deepEqual([output['tries'], elapsedMs], [3, 3_000])
    tries = 0
    await assert.rejects(runTool(flaky(9), {}), /^ToolFailed: try 3$/)
  })

  it('waits for an answer no longer than it was told', async () => {
    const schema = z.object({ yes: z.boolean() })
    const tool = doing(async (task) => {
      const asking = task.ask('yes', { message: 'Yes?', schema }, { timeoutMs: 60_000 })
      const how = await asking.then(
        ({ action }) => action,
        (error: Error & { code?: string }) => error.code,
      )
      return { how }
    })
    const answered = await runTool(tool, {}, { answers: { yes: { yes: true } } })
    assert.equal(answered.output['how'], 'accept')
    await assert.rejects(runTool(tool, {}), /asks "yes" \(Yes\?\), and the test has no answer/)
  })

  it('asks again for an answer that has not the form, and not for ever', async () => {
    const schema = z.object({ n: z.int().max(9) })
    const tool = doing(async (task) => {
      const answer = await task.ask('n', { message: 'How many?', schema })
      return { answer }
    })
    let tries = 0
    const late = () => ({ n: ++tries < 3 ? 10 : 7 })
    const { asked, output } = await runTool(tool, {}, { answers: { n: late } })
    assert.deepEqual(
      asked.map(({ name }) => name),
      ['n', 'n-2', 'n-3'],
    )
    assert.deepEqual(output['answer'], { action: 'accept', value: { n: 7 } })
    const never = runTool(tool, {}, { answers: { n: { n: 10 } } })
    await assert.rejects(never, /never had the form/)
  })

  it('takes back what it did when it fails, last first, wherever it crashes', async () => {
    const undone: string[] = []
    const tool = doing(
      async (task) => {
        for (const name of ['a', 'b']) {
          await task.step(name, () => name, { undo: (value) => undone.push(value) })
        }
        throw new Error('no luck')
      },
      { undoOnFailure: true },
    )
    await assert.rejects(runTool(tool, {}), /no luck/)
    assert.deepEqual(undone, ['b', 'a'])
    undone.length = 0
    await assert.rejects(crashAfter(tool, {}, 'b'), /no luck/)
    assert.deepEqual(undone, ['b', 'a'])
  })

  it('runs only children it was made with', async () => {
    const stranger = doing(() => Promise.resolve({}))
    const tool = durableTool({
      name: 'parent',
      description: 'Has no children.',
      input: z.object({}),
      effect: 'read',
      run: async (_, task) => JSON.stringify(await task.child('one', stranger, {})),
    })
    await assert.rejects(runTool(tool, {}), /"does" is not among the children/)
  })

  it('may crash anywhere with children that sleep and ask', async () => {
    const child = durableTool({
      name: 'child',
      description: 'Sleeps and asks.',
      input: z.object({ name: z.string() }),
      output: z.object({ said: z.string() }),
      effect: 'idempotent',
      async run({ name }, task) {
        await task.sleep('a bit', 100)
        const schema = z.object({ word: z.string() })
        const answer = await task.ask('word', { message: `${name}?`, schema })
        return { said: answer.action === 'accept' ? `${name} ${answer.value.word}` : '' }
      },
    })
    const parent = durableTool({
      name: 'parent',
      description: 'Has two.',
      input: z.object({}),
      output: z.object({ said: z.array(z.string()) }),
      effect: 'idempotent',
      children: [child],
      async run(_, task) {
        const both = ['Ada', 'Bob'].map((name) => task.child(name, child, { name }))
        return { said: (await Promise.all(both)).map(({ said }) => said) }
      },
    })
    const answers = { word: { word: 'yes' } }
    assert.ok((await crashEverywhere(parent, {}, { answers })) > 10)
    const { output } = await runTool(parent, {}, { answers })
    assert.deepEqual(output.said, ['Ada yes', 'Bob yes'])
  })

  it('says why it failed by a code that programs may test', async () => {
    const huge = doing((task) => task.step('huge', () => ({ text: 'x'.repeat(5_000_000) })))
    await assert.rejects(
      runTool(huge, {}),
      (error) => error instanceof ToolFailed && error.code === 'task/value-too-large',
    )
  })
})
