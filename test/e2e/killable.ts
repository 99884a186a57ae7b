/** A server over stdio, called by the official task client, killed in the middle and started again. */
import { createTaskSessionFromClient } from '@modelcontextprotocol/ext-tasks/client'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { share } from '../peers/raw-dispatch.ts'

const WHO = { name: 'example-test', version: '1.0.0' }
const REVISION = '2026-07-28'
const ENDPOINT = 'example-test'

type Arguments = Readonly<Record<string, string | number>>

/** One life of a server process. */
export interface Life extends AsyncDisposable {
  /** What it printed on standard error so far, by lines. */
  readonly said: readonly string[]
  /** Resolves with the first line like this; rejects when the process ends without it. */
  readonly until: (pattern: RegExp) => Promise<string>
  /** Calls a tool as a task, and does not wait for it. Resolves with the task's id. */
  readonly begin: (tool: string, args: Arguments) => Promise<string>
  /** Waits for a task of this or an earlier life, by its id. Resolves with its structured content. */
  readonly finish: (task: string) => Promise<unknown>
  readonly cancel: (task: string) => Promise<void>
  /** Calls a tool that answers at once. Resolves with its structured content. */
  readonly call: (tool: string, args: Arguments) => Promise<unknown>
  /** `kill -9`; resolves when the process is gone. */
  readonly kill: () => Promise<void>
}

/** Starts a program of this repository. Both eras have tasks; the client is the same. */
export async function startLife(
  args: readonly string[],
  era: 'modern' | 'legacy' = 'modern',
): Promise<Life> {
  const client = new Client(
    WHO,
    era === 'modern' ? { versionNegotiation: { mode: { pin: REVISION } } } : {},
  )
  const gone = new Promise<void>((resolve) => {
    client.onclose = resolve
  })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [...args],
    stderr: 'pipe',
  })
  const lines = new Lines(transport.stderr)
  const { shared, raw } = share(transport)
  await client.connect(shared)
  const session = createTaskSessionFromClient(client, {
    endpointId: ENDPOINT,
    rawDispatch: raw.dispatch,
    v2RequestFraming: { protocolVersion: REVISION, clientInfo: WHO, clientCapabilities: {} },
  })
  const begun = new Map<string, Awaited<ReturnType<typeof session.callTool>>>()
  return {
    said: lines.said,
    until: (pattern) => lines.until(pattern),
    begin: async (tool, input) => {
      const execution = await session.callTool(tool, input, { task: { preference: 'require' } })
      if (execution.kind !== 'task') throw new Error(`${tool} was answered at once.`)
      const { taskId } = execution.serializeReference()
      begun.set(taskId, execution)
      return taskId
    },
    finish: async (task) => {
      const found = {
        endpointId: ENDPOINT,
        generation: era === 'modern' ? 'v2' : 'v1',
        taskId: task as never,
        originalOperation: 'tools/call',
      } as const
      const execution = begun.get(task) ?? (await session.resumeTask(found))
      const { outcome } = await execution.settle()
      if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome))
      return structuredOf(outcome.result as object)
    },
    cancel: (task) => session.cancelTask(task as never),
    call: async (name, input) => structuredOf(await client.callTool({ name, arguments: input })),
    kill: async () => {
      if (transport.pid !== null) process.kill(transport.pid, 'SIGKILL')
      await gone
    },
    [Symbol.asyncDispose]: async () => {
      if (transport.pid !== null) await client.close()
    },
  }
}

function structuredOf(result: object): unknown {
  if ('isError' in result && result.isError === true) throw new Error(JSON.stringify(result))
  return 'structuredContent' in result ? result.structuredContent : undefined
}

/** A stream of text as the lines that came, and those that are waited for. */
class Lines {
  readonly said: string[] = []
  readonly #lookers = new Set<() => void>()
  #rest = ''
  #hasEnded = false

  constructor(stream: StdioClientTransport['stderr']) {
    stream?.on('data', (bytes: Buffer) => {
      const lines = (this.#rest + bytes.toString()).split('\n')
      this.#rest = lines.pop() ?? ''
      this.said.push(...lines)
      for (const look of this.#lookers) look()
    })
    stream?.on('end', () => {
      this.#hasEnded = true
      for (const look of this.#lookers) look()
    })
  }

  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.said.find((line) => pattern.test(line))
        if (found === undefined && !this.#hasEnded) return
        this.#lookers.delete(look)
        if (found === undefined)
          reject(new Error(`It never said ${String(pattern)}:\n${this.said.join('\n')}`))
        else resolve(found)
      }
      this.#lookers.add(look)
      look()
    })
  }
}
