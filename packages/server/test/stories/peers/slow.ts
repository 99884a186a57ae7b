// A server of 2025-11-25 without tasks, whose calls take as long as a story lets them.

import { serveLegacy, text, tool, type Peer, type Said } from '../../wire/peer.ts'
import type { Loose } from '../../wire/wire.ts'

/** A call that waits for its story. */
export interface Call {
  readonly params: Loose
  readonly answer: Said['answer']
  /** Answers with one text. */
  readonly done: (words: string) => void
  /** Says something on the stream of this call. */
  readonly say: (method: string, params: object) => void
  /** Asks its client something; resolves with the response. */
  readonly ask: (method: string, params?: object) => Promise<Loose>
}

export interface SlowServer extends AsyncDisposable {
  readonly url: string
  readonly peer: Peer
  /** The next call that came, oldest first. */
  readonly next: () => Promise<Call>
}

export const FORM = {
  mode: 'form',
  message: 'Who is there?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
}

/** `read` may be repeated, `send` must not; `echo` answers at once. */
const TOOLS = [
  tool('read', { annotations: { readOnlyHint: true } }),
  tool('send', { annotations: { destructiveHint: true } }),
  tool('echo', { execution: { taskSupport: 'forbidden' } }),
]

export async function openSlow(): Promise<SlowServer> {
  const calls: Call[] = []
  const waiting: ((call: Call) => void)[] = []
  const asked = new Map<string, (response: Loose) => void>()
  const peer = await serveLegacy({
    'tools/list': () => ({ tools: TOOLS }),
    'tools/call': ({ params }, said) => {
      if (params.name === 'echo') return text(JSON.stringify(params.arguments ?? {}))
      const call: Call = {
        params,
        answer: said.answer,
        done: (words) => said.answer({ result: text(words) }),
        say: (method, more) => said.send({ jsonrpc: '2.0', method, params: more }),
        ask: (method, more = {}) =>
          new Promise((resolve) => {
            const id = `asked-${String(asked.size + 1)}`
            asked.set(id, resolve)
            said.send({ jsonrpc: '2.0', id, method, params: more })
          }),
      }
      const first = waiting.shift()
      if (first) first(call)
      else calls.push(call)
      return undefined
    },
    // What the client answers comes without a method.
    POST: (message, said) => {
      asked.get(message.id)?.(message)
      said.status(202)
    },
  })
  return {
    url: peer.url,
    peer,
    next: () =>
      new Promise((resolve) => {
        const call = calls.shift()
        if (call) resolve(call)
        else waiting.push(resolve)
      }),
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  }
}
