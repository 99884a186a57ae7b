/** Tools that show everything the sdk offers. Run as a program, this serves them over stdio. */
import { z } from 'zod'
import { serve, tool } from '../../src/index.ts'

export const NAME = { name: 'sdk-test', version: '1.0.0' }

const add = tool({
  name: 'add',
  title: 'Add',
  description: 'Adds two numbers.',
  input: z.object({ a: z.number(), b: z.number() }),
  output: z.object({ sum: z.number() }),
  effect: 'read',
  run: ({ a, b }) => ({ sum: a + b }),
})

const walk = tool({
  name: 'walk',
  description: 'Takes steps and tells of each.',
  input: z.object({ steps: z.int() }),
  effect: 'idempotent',
  scopes: ['walk:write'],
  run: async ({ steps }, context) => {
    await context.log('warning', 'off we go')
    for (let at = 1; at <= steps; at++) await context.progress(at, steps, `step ${String(at)}`)
    return 'arrived'
  },
})

const fail = tool({
  name: 'fail',
  description: 'Fails.',
  input: z.object({}),
  effect: 'write',
  run: () => {
    throw new Error('out of paper', { cause: new Error('secret reason') })
  },
})

/** Calls of `wait` that were cancelled, for whoever is in the same process. */
export const cancelled: string[] = []
const wait = tool({
  name: 'wait',
  description: 'Waits until it is cancelled.',
  input: z.object({ tag: z.string() }),
  effect: 'read',
  run: async ({ tag }, { signal, progress }) => {
    await progress(0)
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true })
    })
    cancelled.push(tag)
    return 'too late'
  },
})

const Name = z.object({ name: z.string() })
const Sure = z.object({ sure: z.boolean() })
const greet = tool({
  name: 'greet',
  description: 'Asks who is there, and whether to greet.',
  input: z.object({ greeting: z.string() }),
  effect: 'destructive',
  run: async ({ greeting }, { ask }) => {
    const who = await ask('who', { message: 'Who is there?', schema: Name })
    if (who.action !== 'accept') return `nobody: ${who.action}`
    const sure = await ask('sure', { message: `Greet ${who.value.name}?`, schema: Sure })
    return sure.action === 'accept' && sure.value.sure ? `${greeting}, ${who.value.name}!` : '…'
  },
})

const draw = tool({
  name: 'draw',
  description: 'Answers with an image.',
  input: z.object({}),
  effect: 'read',
  run: () => ({ content: [{ type: 'image', data: 'AA==', mimeType: 'image/png' }] }),
})

export const TOOLS = [add, walk, fail, wait, greet, draw]

if (import.meta.main) await serve(TOOLS, { ...NAME, onError: () => undefined })
