/**
 * A client for the terminal: `node try.ts <version> [folder]` rolls a version out and asks you.
 * Stop it whenever you like; started again, it goes on with the rollout that it began.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import {
  CallToolResultSchema,
  CreateTaskResultSchema,
  ElicitRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'

const [version = '2', place = join(import.meta.dirname, '.countersign')] = process.argv.slice(2)
const folder = resolve(place)
/** The task that this client began and has not seen the end of. */
const open = join(folder, 'open-task')
/** A person may be asked, and persons take their time. */
const DAY_MS = 86_400_000

async function begin(client: Client): Promise<string> {
  if (existsSync(open)) {
    process.stdout.write('going on with the rollout that was begun before\n')
    return readFileSync(open, 'utf8')
  }
  const params = { name: 'roll_out', arguments: { version }, task: { ttl: DAY_MS } }
  const request = { method: 'tools/call' as const, params }
  const { task } = await client.request(request, CreateTaskResultSchema)
  writeFileSync(open, task.taskId)
  return task.taskId
}

const client = new Client(
  { name: 'try-deployment', version: '1.0.0' },
  { capabilities: { elicitation: { form: {} } } },
)
client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(`${params.message} [y/n] `)
  terminal.close()
  return { action: 'accept', content: { yes: answer.startsWith('y') } }
})
await client.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [join(import.meta.dirname, 'server.ts'), folder],
  }),
)
const task = await begin(client)
const result = await client.experimental.tasks.getTaskResult(task, CallToolResultSchema, {
  timeout: DAY_MS,
})
rmSync(open)
process.stdout.write(`${JSON.stringify(result.structuredContent ?? result.content)}\n`)
await client.close()
