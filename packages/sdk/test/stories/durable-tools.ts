/** Durable tools for the stories. Run as a program, this serves them over stdio. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ProtocolError } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { durableTool, serve, tool, type DurableTool, type Tool } from '../../src/index.ts'

export const WHO = { name: 'durable-test', version: '1.0.0' }

/** What happened in the world, in order. */
export interface Witness {
  readonly saw: (what: string) => void
}

const hello = tool({
  name: 'hello',
  description: 'Says hello, at once.',
  input: z.object({}),
  effect: 'read',
  run: () => 'hello',
})

/** A few steps with pauses between them, each told to the witness. */
const journey = ({ saw }: Witness) =>
  durableTool({
    name: 'journey',
    title: 'Journey',
    description: 'Goes somewhere, step by step.',
    input: z.object({ steps: z.int(), pauseMs: z.int() }),
    output: z.object({ steps: z.number(), ids: z.array(z.string()) }),
    effect: 'idempotent',
    scopes: ['journey:write'],
    async run({ steps, pauseMs }, task) {
      const ids: string[] = []
      for (let at = 1; at <= steps; at++) {
        ids.push(task.newId())
        await task.step(`step ${String(at)}`, () => saw(`step ${String(at)} of ${task.id}`))
        task.progress(at, steps, `at ${String(at)}`)
        await task.sleep(`rest ${String(at)}`, pauseMs)
      }
      return { steps, ids }
    },
  })

const booking = ({ saw }: Witness) =>
  durableTool({
    name: 'booking',
    description: 'Reserves, asks twice, and takes back what is not wanted.',
    input: z.object({ room: z.string() }),
    effect: 'write',
    async run({ room }, task) {
      await task.step('reserve', () => saw(`reserve ${room}`), { undo: () => saw(`free ${room}`) })
      task.status('Waiting for somebody to say who it is for.')
      const who = await task.ask('who', {
        message: 'Who is it for?',
        schema: z.object({ name: z.string() }),
      })
      const sure = await task.ask('sure', {
        message: 'Sure?',
        schema: z.object({ yes: z.boolean() }),
      })
      if (who.action === 'accept' && sure.action === 'accept' && sure.value.yes) {
        return `${room} is booked for ${who.value.name}`
      }
      await task.undo()
      return `${room} is free: ${who.action}, ${sure.action}`
    },
  })

const nap = durableTool({
  name: 'nap',
  description: 'Sleeps.',
  input: z.object({ ms: z.int() }),
  effect: 'read',
  async run({ ms }, task) {
    await task.sleep('nap', ms)
    return 'awake'
  },
})

const pair = (child: ReturnType<typeof booking>) =>
  durableTool({
    name: 'pair',
    description: 'Books two rooms at once.',
    input: z.object({}),
    effect: 'write',
    children: [child],
    async run(_, task) {
      const booked = await Promise.all([
        task.child('first', child, { room: 'one' }),
        task.child('second', child, { room: 'two' }),
      ])
      return booked.map(String).join('; ')
    },
  })

const visit = durableTool({
  name: 'visit',
  description: 'Sends a person to a page.',
  input: z.object({}),
  effect: 'read',
  async run(_, task) {
    const { action } = await task.ask('page', { message: 'Sign in', url: 'https://example.com/in' })
    return action
  },
})

const fails = durableTool({
  name: 'fails',
  description: 'Fails.',
  input: z.object({}),
  effect: 'read',
  run: () => {
    throw new Error('out of paper\nand of ink', { cause: new Error('secret') })
  },
})

const breaks = durableTool({
  name: 'breaks',
  description: 'Ends with an error of the protocol.',
  input: z.object({}),
  effect: 'read',
  run: () => {
    throw new ProtocolError(-32_050, 'out of order')
  },
})

const only = durableTool({
  name: 'only',
  description: 'Runs as a task only.',
  input: z.object({}),
  effect: 'read',
  task: 'required',
  run: () => 'done',
})

/** Runs into a step that is never repeated by itself. */
const pays = ({ saw }: Witness) =>
  durableTool({
    name: 'pays',
    description: 'Pays once.',
    input: z.object({}),
    effect: 'write',
    async run(_, task) {
      await task.step(
        'pay',
        async () => {
          saw(`pay ${task.id}`)
          await new Promise((resolve) => setTimeout(resolve, 60_000))
        },
        { effect: 'write' },
      )
      return 'paid'
    },
  })

/** Its last step does not come to its end while the gate is shut; whoever comes second opens it. */
const gated = ({ saw }: Witness) =>
  durableTool({
    name: 'gated',
    description: 'Comes as far as a gate.',
    input: z.object({ gate: z.string() }),
    effect: 'idempotent',
    async run({ gate }, task) {
      await task.step('one', () => saw('one'))
      await task.step('two', () => saw('two'))
      await task.step('three', async ({ key }) => {
        saw(`three ${key}`)
        if (existsSync(gate)) return
        writeFileSync(gate, '')
        await new Promise(() => undefined)
      })
      return task.newId()
    },
  })

export function durableTools(witness: Witness): readonly (Tool | DurableTool)[] {
  const book = booking(witness)
  const others = [nap, visit, fails, breaks, only, pays(witness), gated(witness)]
  return [hello, journey(witness), book, pair(book), ...others]
}

if (import.meta.main) {
  const { data, witness, port } = parseArgs({
    options: { data: { type: 'string' }, witness: { type: 'string' }, port: { type: 'string' } },
  }).values
  const saw = (what: string): void => {
    if (witness !== undefined) appendFileSync(witness, `${what}\n`)
  }
  const { url } = await serve(durableTools({ saw }), {
    ...WHO,
    pollMs: 50,
    onError: () => undefined,
    ...(data === undefined ? {} : { data }),
    ...(port === undefined ? {} : { http: { port: Number(port) } }),
  })
  if (url) process.stdout.write(`listening ${url.href}\n`)
}
