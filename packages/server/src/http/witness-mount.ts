import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault, isDeeperThan, toFault } from '@countersign/contract'
import { KEY_HEADER, type Answer, type Witnessing } from '#witness'
import { readText } from './body.ts'
import type { Mount } from './routes.ts'

/** `add-handover` is of our own: how the key of a ledger took over from the one that we know. */
const ROOT = '/witness/'
/** A proof of 63 hashes and a checkpoint with a hundred signatures. */
const BODY_BYTES_MAX = 65_536
const DEPTH_MAX = 4

/** Where others show us their checkpoints (C2SP tlog-witness); nowhere, unless we keep any. */
export const witnessMount = (witnessing: Witnessing | undefined): Mount => ({
  owns: (path) => witnessing !== undefined && path.startsWith(ROOT),
  answer: async (request, response) => {
    try {
      if (!witnessing) throw new Fault('http/not-found', 'Nothing is kept here.')
      say(response, await answerTo(witnessing, request))
    } catch (thrown) {
      const fault = toFault(thrown)
      if (fault.code === 'server/bug') throw fault
      if (!request.complete) response.setHeader('connection', 'close')
      say(response, { status: STATUS[fault.code] ?? 400, text: `${fault.message}\n` })
    }
  },
})

const STATUS: Readonly<Record<string, number>> = {
  'http/not-found': 404,
  'http/method': 405,
  'http/too-large': 413,
  'http/slow': 408,
  'store/unavailable': 503,
}

async function answerTo(witnessing: Witnessing, request: IncomingMessage): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0] ?? ''
  const isRead = path === `${ROOT}key`
  if (request.method !== (isRead ? 'GET' : 'POST')) {
    throw new Fault('http/method', `This takes ${isRead ? 'GET' : 'POST'}.`)
  }
  if (isRead) return { status: 200, text: `${witnessing.key}\n` }
  const by = { token: tokenIn(request), key: headerIn(request, KEY_HEADER) }
  const text = await readText(request, BODY_BYTES_MAX)
  if (path === `${ROOT}add-checkpoint`) return witnessing.addCheckpoint(text, by)
  if (path === `${ROOT}add-handover`) return witnessing.addHandover(parsed(text), by)
  throw new Fault('http/not-found', 'There is add-checkpoint here, and nothing else.')
}

const tokenIn = (request: IncomingMessage): string | undefined =>
  /^Bearer ([^\s]{1,1024})$/i.exec(request.headers.authorization ?? '')?.[1]

function headerIn(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : undefined
}

function parsed(text: string): unknown {
  try {
    return isDeeperThan(text, DEPTH_MAX) ? undefined : JSON.parse(text)
  } catch {
    return undefined // Whoever reads it says that it is none.
  }
}

function say(response: ServerResponse, { status, text, type }: Answer): void {
  response.writeHead(status, {
    'content-type': type ?? 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.end(text)
}
