/**
 * The tools that the tasks scenarios of the official conformance suite expect, written with the kit.
 * Run as a program, this serves them: `--port N` over HTTP, else over stdio.
 */
import { parseArgs } from 'node:util'
import { ProtocolError } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { durableTool, serve, tool } from '../src/index.ts'

const greet = tool({
  name: 'greet',
  description: 'Greets at once, whatever the client says of tasks.',
  input: z.object({ name: z.string().default('you') }),
  effect: 'read',
  run: ({ name }) => `Hello, ${name}!`,
})

const slowCompute = durableTool({
  name: 'slow_compute',
  description: 'Takes as many seconds as it is told.',
  input: z.object({ seconds: z.number().default(1), label: z.string().default('') }),
  effect: 'read',
  run: async ({ seconds, label }, task) => {
    await task.sleep('compute', seconds * 1_000)
    return `computed ${label} in ${String(seconds)} s`
  },
})

const failingJob = durableTool({
  name: 'failing_job',
  description: 'Runs as a task only, and fails after a second.',
  input: z.object({}),
  effect: 'read',
  task: 'required',
  run: async (_, task) => {
    await task.sleep('try', 1_000)
    throw new Error('The job failed, as it was meant to.')
  },
})

const protocolErrorJob = durableTool({
  name: 'protocol_error_job',
  description: 'Ends with an error of the protocol.',
  input: z.object({}),
  effect: 'read',
  run: async (_, task) => {
    await task.sleep('try', 200)
    throw new ProtocolError(-32_603, 'The job broke, as it was meant to.')
  },
})

const confirmDelete = durableTool({
  name: 'confirm_delete',
  description: 'Deletes a file, if a person says so.',
  input: z.object({ filename: z.string().default('nothing') }),
  effect: 'destructive',
  run: async ({ filename }, task) => {
    const answer = await task.ask('confirm', {
      message: `Delete ${filename}?`,
      schema: z.object({ confirm: z.boolean() }),
    })
    const isSure = answer.action === 'accept' && answer.value.confirm
    return isSure ? `deleted ${filename}` : `kept ${filename}`
  },
})

const multiInput = durableTool({
  name: 'multi_input',
  description: 'Asks two things at once.',
  input: z.object({}),
  effect: 'read',
  run: async (_, task) => {
    const [name, sure] = await Promise.all([
      task.ask('name', { message: 'Who are you?', schema: z.object({ name: z.string() }) }),
      task.ask('confirm', { message: 'Sure?', schema: z.object({ confirm: z.boolean() }) }),
    ])
    const who = name.action === 'accept' ? name.value.name : 'nobody'
    return `${who} is ${sure.action === 'accept' && sure.value.confirm ? 'sure' : 'not sure'}`
  },
})

const testToolWithTask = durableTool({
  name: 'test_tool_with_task',
  description: 'Asks who is there before it becomes a task.',
  input: z.object({ name: z.string().optional() }),
  effect: 'read',
  prepare: async ({ name }, { ask }) => {
    if (name !== undefined) return { name }
    const answer = await ask('user_name', {
      message: 'What is your name?',
      schema: z.object({ name: z.string() }),
    })
    return { name: answer.action === 'accept' ? answer.value.name : 'nobody' }
  },
  run: async ({ name }, task) => {
    await task.sleep('think', 300)
    return `Hello, ${name ?? 'nobody'}!`
  },
})

export const CONFORMANCE_TOOLS = [
  greet,
  slowCompute,
  failingJob,
  protocolErrorJob,
  confirmDelete,
  multiInput,
  testToolWithTask,
]

if (import.meta.main) {
  const { port, data } = parseArgs({
    options: { port: { type: 'string' }, data: { type: 'string' } },
  }).values
  const { url } = await serve(CONFORMANCE_TOOLS, {
    name: 'conformance-tools',
    version: '1.0.0',
    onError: () => undefined,
    ...(data === undefined ? {} : { data }),
    ...(port === undefined ? {} : { http: { port: Number(port) } }),
  })
  if (url) process.stdout.write(`listening ${url.href}\n`)
}
