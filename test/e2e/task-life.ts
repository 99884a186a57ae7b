/** Lives of a server or of the gateway, each ended by SIGKILL, and a client that knows tasks. */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setInterval as every } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CallToolResultSchema,
  CreateTaskResultSchema,
  ElicitRequestSchema,
  type CallToolResult,
  type ElicitResult,
  type Task,
} from '@modelcontextprotocol/sdk/types.js'
import { ROOT, startProgram, untilGone } from './run-quickstart.ts'

/** Longer than any task of a test, shorter than a hung one may hold up the suite. */
const RESULT_MS = 60_000
const TTL_MS = 600_000
/** Nothing a test looks for takes as long. */
const LOOK_MS = 60_000

/** What a person would answer; gets the question's message. */
export type Reply = (message: string) => ElicitResult | Promise<ElicitResult>
const cannotSay: Reply = () => ({ action: 'cancel' })

/** A client with tasks of one life of a server. */
export interface Life extends AsyncDisposable {
  readonly client: Client
  /** Calls a tool as a task; resolves with the task's id. */
  readonly begin: (tool: string, args: Record<string, unknown>) => Promise<string>
  readonly look: (task: string) => Promise<Task>
  /** Waits for the end, answering what is asked meanwhile. */
  readonly result: (task: string) => Promise<CallToolResult>
  /** SIGKILL; resolves once the process, and whatever it started, is gone. */
  readonly kill: () => Promise<void>
}

/** Runs `program` with Node over stdio. */
export async function startLife(
  program: string,
  args: readonly string[],
  reply: Reply = cannotSay,
): Promise<Life> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, ...args],
    stderr: 'ignore',
  })
  const gone = Promise.withResolvers<void>()
  const client = await connect(transport, reply)
  client.onclose = () => {
    gone.resolve()
  }
  const { pid } = transport
  return lifeOf(client, async () => {
    if (pid !== null) process.kill(pid, 'SIGKILL')
    await gone.promise
  })
}

/** Runs `countersign serve`, and connects over HTTP. */
export async function startGateway(
  config: string,
  reply: Reply = cannotSay,
): Promise<Life & { readonly url: URL }> {
  const main = join(ROOT, 'packages/server/src/main.ts')
  const args = [main, 'serve', '--config', config, '--port', '0', '--json']
  const program = startProgram(process.execPath, args)
  const [, address = ''] = await program.until(/"event":"listening","url":"([^"]+)"/)
  const url = new URL(address)
  const client = await connect(new StreamableHTTPClientTransport(url), reply)
  const life = lifeOf(client, async () => {
    const family = program.family()
    process.kill(family[0] ?? 0, 'SIGKILL')
    await program.stop()
    await untilGone(family)
  })
  let isKilled = false
  const kill = async (): Promise<void> => {
    if (isKilled) return
    isKilled = true
    await life.kill()
  }
  return {
    ...life,
    url,
    kill,
    // Its lives all end alike here; how it stops politely is told elsewhere.
    [Symbol.asyncDispose]: async () => {
      await life[Symbol.asyncDispose]()
      await kill()
    },
  }
}

async function connect(transport: Transport, reply: Reply): Promise<Client> {
  const client = new Client(
    { name: 'examples', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } } },
  )
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => reply(params.message))
  await client.connect(transport)
  return client
}

function lifeOf(client: Client, kill: Life['kill']): Life {
  const { tasks } = client.experimental
  return {
    client,
    begin: async (name, args) => {
      const params = { name, arguments: args, task: { ttl: TTL_MS } }
      const request = { method: 'tools/call' as const, params }
      const { task } = await client.request(request, CreateTaskResultSchema)
      return task.taskId
    },
    look: (task) => tasks.getTask(task),
    result: (task) => tasks.getTaskResult(task, CallToolResultSchema, { timeout: RESULT_MS }),
    kill,
    [Symbol.asyncDispose]: () => client.close(),
  }
}

/** The first thing found; rejects when nothing is for too long. */
export async function until<Found>(
  what: string,
  look: () => Promise<Found | undefined | false> | Found | undefined | false,
): Promise<Found> {
  const signal = AbortSignal.timeout(LOOK_MS)
  try {
    for await (const _tick of every(20, undefined, { signal })) {
      const found = await look()
      if (found !== undefined && found !== false) return found
    }
  } catch (cause) {
    throw new Error(`not seen in time: ${what}`, { cause })
  }
  throw new Error('An interval has no end.')
}

/** A copy of an example at the same depth, so that what it writes is nobody's own. */
export async function copyExample(
  name: string,
): Promise<{ readonly folder: string } & AsyncDisposable> {
  await mkdir(join(ROOT, 'build'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, 'build', `${name}-`))
  await cp(join(ROOT, 'examples', name), folder, {
    recursive: true,
    filter: (path) => !/\.countersign|node_modules/.test(path),
  })
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}
