/** The foreman of the workshop: the test's side of an upstream server whose tools last as long as it says. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Json } from './model/wire.ts'

/** One start of one tool at the upstream server: an effect, had it been a real one. */
interface Job {
  readonly tool: string
  readonly label: string
  /** True once the upstream server was told to stop, or went away. */
  readonly isAbandoned: () => boolean
  /** Resolves when it was. */
  readonly abandoned: Promise<unknown>
  readonly progress: (done: number, message: string) => void
  /** Ends it; the tool answers with what `answerOf` says of it. */
  readonly finish: () => void
  readonly fail: (message: string) => void
}

export interface Workshop extends AsyncDisposable {
  /** The upstream server as a configuration of the gateway has it. */
  readonly server: Json
  /** Everything that reached the upstream server, oldest first. */
  readonly jobs: readonly Job[]
  /** Resolves with the first job of this label, at once when it has begun already. */
  readonly begun: (label: string) => Promise<Job>
}

/** What a finished job says, so that a test can tell it from everything else that it is told. */
export const answerOf = (label: string): string => `The job ${label} is done.`

const SERVER = fileURLToPath(new URL('workshop-server.ts', import.meta.url))

export async function openWorkshop(): Promise<Workshop> {
  const jobs: Job[] = []
  const waiting = new Map<string, (job: Job) => void>()
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://workshop')
    const job = jobOver(searchParams.get('tool') ?? '', searchParams.get('label') ?? '', response)
    jobs.push(job)
    waiting.get(job.label)?.(job)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    server: {
      command: process.execPath,
      args: [SERVER],
      env: { WORKSHOP: `http://127.0.0.1:${String(port)}` },
      start: 'eager',
    },
    jobs,
    begun: (label) => {
      const job = jobs.find((one) => one.label === label)
      if (job) return Promise.resolve(job)
      return new Promise((resolve) => {
        waiting.set(label, resolve)
      })
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Orders go out as one JSON line each: the response lasts as long as the job. */
function jobOver(tool: string, label: string, response: ServerResponse): Job {
  let isOver = false
  response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders()
  const order = (line: object): void => void response.write(`${JSON.stringify(line)}\n`)
  const end = (line: object): void => {
    isOver = true
    order(line)
    response.end()
  }
  return {
    tool,
    label,
    isAbandoned: () => response.closed && !isOver,
    abandoned: once(response, 'close'),
    progress: (done, message) => order({ done, message }),
    finish: () => end({ answer: answerOf(label) }),
    fail: (error) => end({ error }),
  }
}
