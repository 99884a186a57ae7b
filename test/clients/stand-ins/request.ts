/** One request of a stand-in: until it is answered, or until the client's patience ends. */
import { json, words, type Json } from '../model/wire.ts'
import { post } from './connection.ts'
import type { Era } from './era.ts'
import type { Manners } from './manners.ts'
import { faster, patienceOf } from './patience.ts'

/** What all requests of one client share. */
export interface Line {
  readonly url: URL
  readonly era: Era
  readonly manners: Manners
  readonly speed: number
  readonly nextId: () => number
  /** Aborted when the client leaves. */
  readonly leaving: AbortSignal
}

export interface Asked {
  readonly method: string
  readonly params: Json
}

/** What was heard while a request was open. */
export interface Told {
  readonly progress: readonly Json[]
  /** Pieces of the answer that held no message: comments, for the most part. */
  readonly comments: number
}

export interface Answer {
  /** The response; none when patience ended first. */
  readonly message: Json | undefined
  readonly told: Told
}

export async function request(line: Line, { method, params }: Asked): Promise<Answer> {
  const { era, manners, url } = line
  const id = line.nextId()
  const meta = { ...era.meta, ...(method === 'tools/call' ? { progressToken: id } : {}) }
  const message = { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }
  const patience = patienceOf(manners, faster(line.speed))
  const dropping = new AbortController()
  const signal = AbortSignal.any([dropping.signal, line.leaving])
  const told = { progress: [] as Json[], comments: 0 }
  const hear = async (): Promise<Json> => {
    const { pieces } = await post({ url, message, headers: era.headers(method, params), signal })
    for await (const messages of pieces) {
      patience.renew('bytes')
      if (messages.length === 0) told.comments += 1
      for (const heard of messages) {
        if (heard['id'] === id && heard['method'] === undefined) return heard
        if (words(heard['method']) !== 'notifications/progress') continue
        patience.renew('progress')
        told.progress.push(json(heard['params']))
      }
    }
    throw new Error(`${method} was not answered`)
  }
  const answered = hear()
  const first = await Promise.race([answered, patience.end]).finally(patience.stop)
  if (first !== undefined) {
    if (manners.cancelsWhatIsDone === true) await cancel(line, id)
    return { message: first, told }
  }
  answered.catch(() => undefined) // Nobody waits for it any more.
  // In the modern era a closed connection is the cancellation.
  if (manners.givesUp === 'cancels' && era.name === 'legacy') await cancel(line, id)
  if (manners.givesUp !== 'forgets') dropping.abort()
  return { message: undefined, told }
}

async function cancel({ url, era, leaving }: Line, requestId: number): Promise<void> {
  const method = 'notifications/cancelled'
  const params = { requestId, reason: 'AbortError' }
  const message = { jsonrpc: '2.0', method, params: { ...params, _meta: era.meta } }
  await post({ url, message, headers: era.headers(method, params), signal: leaving })
}
