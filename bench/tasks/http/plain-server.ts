// Tasks over HTTP with as little around them as Node allows, durable or not.
// `plain-server.ts durable|none <folder>`: POST /tasks creates, GET /tasks/{id} fetches the result
// when it is there, POST /tasks?wait does both at once.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Engine, openSqliteStore } from '@countersign/engine'
import { listenForParent } from '../../listen.ts'
import { createTask, defineTwoSteps } from '../engines/countersign.ts'
import { takeStep } from '../work.ts'

/** What the handler needs of tasks. */
interface Tasks {
  readonly create: (input: object) => Promise<string>
  readonly finished: (id: string) => Promise<unknown>
}

const CONCURRENCY = 1_024
const OWNER_OPEN_MAX = 100_000
const [kind, folder = ''] = process.argv.slice(2)

async function durable(): Promise<Tasks> {
  const engine = new Engine({
    store: openSqliteStore(join(folder, 'tasks.db')),
    concurrency: CONCURRENCY,
    limits: { ownerOpenMax: OWNER_OPEN_MAX },
  })
  defineTwoSteps(engine)
  await engine.start()
  return {
    create: (input) => createTask(engine, 'bench', input),
    finished: async (id) => (await engine.finished(id)).result,
  }
}

/** The same two steps, remembered by nobody. */
async function twoSteps(): Promise<unknown> {
  await takeStep()
  return await takeStep()
}

function forgetful(): Tasks {
  const running = new Map<string, Promise<unknown>>()
  let count = 0
  return {
    create: async () => {
      const id = `task-${String(++count)}`
      running.set(id, twoSteps())
      return id
    },
    finished: async (id) => {
      const result = await running.get(id)
      running.delete(id)
      return result
    },
  }
}

const tasks = kind === 'durable' ? await durable() : forgetful()

async function answer({ method, url = '/' }: IncomingMessage, body: string): Promise<object> {
  if (method === 'GET') {
    const id = url.slice('/tasks/'.length)
    return { id, result: await tasks.finished(id) }
  }
  const input: object = JSON.parse(body)
  const id = await tasks.create(input)
  return url.endsWith('?wait') ? { id, result: await tasks.finished(id) } : { id }
}

function reply(response: ServerResponse, status: number, said: object): void {
  const body = Buffer.from(JSON.stringify(said))
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  response.writeHead(status, headers).end(body)
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
): Promise<void> {
  try {
    reply(response, 200, await answer(request, body))
  } catch (cause) {
    reply(response, 500, { error: String(cause) })
  }
}

await listenForParent(
  createServer({ keepAliveTimeout: 300_000 }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void respond(request, response, Buffer.concat(chunks).toString()))
  }),
)
