import assert from 'node:assert/strict'
import { test } from 'node:test'
import { effectOf, EFFECTS } from '@countersign/contract'
import { z } from 'zod'
import { tool, TOOL_META, type Context } from './index.ts'

const Nothing = z.object({})
const context: Context = {
  signal: new AbortController().signal,
  progress: async () => undefined,
  log: async () => undefined,
  ask: async () => ({ action: 'cancel' }),
}

const plain = { name: 'plain', description: 'Does nothing.', input: Nothing, run: () => 'done' }

test('a gateway reads from the annotations the effect class that the author wrote', () => {
  for (const effect of EFFECTS) {
    const made = tool({ ...plain, effect, scopes: ['a:write'] })
    assert.equal(effectOf({ annotations: { ...made.annotations } }), effect)
    assert.deepEqual(made._meta[TOOL_META], { effect, scopes: ['a:write'] })
  }
})

test('a definition is frozen throughout, and does not change with what it was made from', () => {
  const scopes = ['a:read']
  const made = tool({ ...plain, effect: 'read', scopes })
  scopes.push('a:admin')
  assert.deepEqual(made.scopes, ['a:read'])
  for (const part of [made, made.scopes, made.annotations, made._meta, made._meta[TOOL_META]]) {
    assert.ok(Object.isFrozen(part))
  }
})

test('a name that some clients refuse is refused here', () => {
  for (const name of ['', 'two words', 'ä', 'x'.repeat(129), 'a/b']) {
    assert.throws(() => tool({ ...plain, name, effect: 'read' }), TypeError)
  }
})

test('input and output are checked, and output is given as text as well', async () => {
  const made = tool({
    ...plain,
    effect: 'read',
    input: z.object({ n: z.coerce.number() }),
    output: z.object({ twice: z.number().max(10) }),
    run: ({ n }) => ({ twice: n * 2 }),
  })
  assert.deepEqual(await made.call({ n: '4' }, context), {
    content: [{ type: 'text', text: '{"twice":8}' }],
    structuredContent: { twice: 8 },
  })
  await assert.rejects(made.call({ n: 'four' }, context), z.ZodError)
  await assert.rejects(made.call({ n: 6 }, context), z.ZodError)
})
