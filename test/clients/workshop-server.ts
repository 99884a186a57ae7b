/** The upstream server, over stdio: quick tools, and slow ones that last until the foreman ends them. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { serve, tool } from '@countersign/sdk'
import { z } from 'zod'

const { WORKSHOP: foreman = '' } = process.env

interface Order {
  readonly done?: number
  readonly message?: string
  readonly answer?: string
  readonly error?: string
}

interface Ears {
  readonly progress: (done: number, total?: number, message?: string) => Promise<void>
  readonly signal: AbortSignal
}

async function work(name: string, label: string, { progress, signal }: Ears): Promise<string> {
  const query = new URLSearchParams({ tool: name, label })
  const { body } = await fetch(`${foreman}/?${String(query)}`, { signal })
  if (!body) throw new Error('the foreman is silent')
  for await (const line of createInterface({ input: Readable.fromWeb(body) })) {
    const { done, message, answer, error } = JSON.parse(line) as Order
    if (error !== undefined) throw new Error(error)
    if (answer !== undefined) return answer
    if (done !== undefined) await progress(done, undefined, message)
  }
  throw new Error('the foreman went home')
}

const input = z.object({ label: z.string() })

const lookUp = tool({
  name: 'look_up',
  description: 'Looks up what is known of a label. Answers at once.',
  input,
  effect: 'read',
  run: ({ label }) => `Of "${label}" nothing is known.`,
})

const weigh = tool({
  name: 'weigh',
  description: 'Weighs a label. Answers at once, with structured content.',
  input,
  output: z.object({ label: z.string(), grams: z.number() }),
  effect: 'read',
  run: ({ label }) => ({ label, grams: label.length }),
})

const build = tool({
  name: 'build',
  description: 'Builds what the label names. Takes long, and must not happen twice.',
  input,
  effect: 'write',
  run: async ({ label }, context) => work('build', label, context),
})

const measure = tool({
  name: 'measure',
  description: 'Measures what the label names. Takes long, and answers with structured content.',
  input,
  output: z.object({ label: z.string(), verdict: z.string() }),
  effect: 'write',
  run: async ({ label }, context) => ({ label, verdict: await work('measure', label, context) }),
})

await serve([lookUp, weigh, build, measure], { name: 'workshop', version: '1.0.0' })
