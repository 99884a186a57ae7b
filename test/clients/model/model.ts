/** A model that follows a script, for real agent programs: no network, no tokens, no keys. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { chat } from './chat.ts'
import { gemini } from './gemini.ts'
import { responses } from './responses.ts'
import { isJson, type Dialect, type GivenResult, type Json, type Reply, type Turn } from './wire.ts'

/** A call the model makes; of a function, one that depends on what the model was given so far. */
export type Step = Call | ((turn: Turn) => Call | Promise<Call>)
interface Call {
  /** The tool's name as the gateway lists it; each client puts something of its own before it. */
  readonly tool: string
  readonly arguments?: Json
}

export interface Model extends AsyncDisposable {
  /** Where clients find it; each adds the path of its dialect. */
  readonly url: string
  /** Requests that offered tools, oldest first; with all that is in them. */
  readonly turns: readonly (Turn & { readonly body: Json })[]
  /** Requests that could not be answered: an unknown path, or a tool that was not offered. */
  readonly problems: readonly string[]
  /** What the model was given for each call of its script, in order. */
  readonly given: () => readonly GivenResult[]
}

const FAREWELL = 'The scripted model has nothing more to do.'
const farewell: Reply = { kind: 'words', text: FAREWELL }

const DIALECTS: readonly Dialect[] = [responses, chat, gemini]

/**
 * Which step is next follows from the results in the request, not from a counter: clients repeat
 * requests, and ask models for titles and summaries in between.
 */
export async function startModel(script: readonly Step[]): Promise<Model> {
  const turns: (Turn & { readonly body: Json })[] = []
  const problems: string[] = []
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await readBody(request)
      const path = (request.url ?? '').replace(/\?.*$/, '')
      const dialect = DIALECTS.find(({ owns }) => owns(path))
      if (!dialect) {
        if (request.method === 'POST') problems.push(`no model answers ${path}`)
        response.writeHead(404).end()
        return
      }
      const turn = dialect.read(body)
      const hasTools = turn.tools.length > 0
      if (hasTools) turns.push({ ...turn, body })
      const reply = hasTools ? await replyTo(turn) : farewell
      const stream = path.endsWith(':streamGenerateContent') || body['stream'] === true
      const answered = dialect.write(reply, { ...body, stream }, turn.results.length)
      response.writeHead(200, { 'content-type': answered.type }).end(answered.body)
    }
    answer().catch((error: unknown) => {
      problems.push(String(error))
      response.destroy()
    })
  })
  const replyTo = async (turn: Turn): Promise<Reply> => {
    const step = script[turn.results.length]
    if (step === undefined) return farewell
    const { tool, arguments: args = {} } = typeof step === 'function' ? await step(turn) : step
    const name = nameOf(turn, tool)
    if (name !== undefined) return { kind: 'call', name, arguments: args }
    problems.push(`${tool} is not among ${turn.tools.map((offered) => offered.name).join(', ')}`)
    return farewell
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${String(port)}`,
    turns,
    problems,
    given: () => turns.at(-1)?.results ?? [],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The name a client made of ours: itself, or something that ends with it. */
export function nameOf({ tools }: Turn, tool: string): string | undefined {
  const names = tools.map(({ name }) => name)
  return (
    names.find((name) => name === tool) ??
    names.find((name) => name.endsWith(tool) && /[_|-]/.test(name.at(-tool.length - 1) ?? ''))
  )
}

async function readBody(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const encoding = request.headers['content-encoding']
  const text =
    encoding === 'zstd'
      ? zstdDecompressSync(bytes)
      : encoding === 'gzip'
        ? gunzipSync(bytes)
        : bytes
  try {
    const value: unknown = JSON.parse(text.toString())
    return isJson(value) ? value : {}
  } catch {
    return {}
  }
}
