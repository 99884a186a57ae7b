import { fileURLToPath } from 'node:url'
import type { Served } from '../../call/targets.ts'
import { message, startModule } from '../../processes.ts'
import { checkOutcome, INPUT } from '../work.ts'
import type { Answer, HttpTarget, Send } from './target.ts'

const SERVER = fileURLToPath(new URL('plain-server.ts', import.meta.url))
const HEADERS = ['content-type', 'application/json'] as const
const BODY = JSON.stringify(INPUT)

async function start(kind: 'durable' | 'none', folder: string): Promise<Served> {
  const running = startModule(SERVER, [kind, folder])
  const { port } = await message<{ readonly port: number }>(running)
  return { running, origin: `http://127.0.0.1:${String(port)}` }
}

interface Said {
  readonly id: string
  readonly result?: unknown
}

function read({ status, body }: Answer): Said {
  if (status !== 200) throw new Error(`HTTP ${String(status)}: ${body.toString()}`)
  const said: Said = JSON.parse(body.toString())
  return said
}

/** One request creates a task, another waits for its end and fetches its result. */
async function createAndFetch(send: Send): Promise<void> {
  const { id } = read(await send({ method: 'POST', path: '/tasks', headers: HEADERS, body: BODY }))
  checkOutcome(read(await send({ method: 'GET', path: `/tasks/${id}` })).result)
}

/** One request creates a task and is answered when that is completed. */
async function createAndWait(send: Send): Promise<void> {
  const request = { method: 'POST', path: '/tasks?wait', headers: HEADERS, body: BODY } as const
  checkOutcome(read(await send(request)).result)
}

/** A bare `node:http` server with the engine behind it, and the same one without. */
export const PLAIN: readonly HttpTarget[] = [
  {
    id: 'none',
    title: 'no storage, created and fetched',
    beside: undefined,
    start: (folder) => start('none', folder),
    once: createAndFetch,
  },
  {
    id: 'durable',
    title: 'durable, created and fetched',
    beside: 'none',
    start: (folder) => start('durable', folder),
    once: createAndFetch,
  },
  {
    id: 'none-wait',
    title: 'no storage, one request',
    beside: undefined,
    start: (folder) => start('none', folder),
    once: createAndWait,
  },
  {
    id: 'durable-wait',
    title: 'durable, one request',
    beside: 'none-wait',
    start: (folder) => start('durable', folder),
    once: createAndWait,
  },
]
