// What a server may do wrong, by the name of the tool that is called; the same for every transport.

interface Said {
  readonly write: (text: string) => void
  /** Sends one JSON text in the framing of the transport. */
  readonly message: (text: string) => void
}

export const answerTo = (id: unknown, words: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: words }] } })

type Manner = (id: unknown, said: Said) => void

const MANNERS: ReadonlyMap<string, Manner> = new Map<string, Manner>([
  ['never', () => undefined],
  [
    'garbage',
    (id, { write, message }) => {
      write('this is no message\n')
      const odd = ['[]', '"text"', '{"jsonrpc":"1.0"}', '{"jsonrpc":"2.0","id":null}']
      for (const one of odd) message(one)
      message(answerTo(id, 'after garbage'))
    },
  ],
  [
    'twice',
    (id, { message }) => {
      message(answerTo(id, 'first'))
      message(answerTo(id, 'second'))
    },
  ],
  [
    'stranger',
    (id, { message }) => {
      for (const other of [0, -1, 999_999, String(id)]) message(answerTo(other, 'not yours'))
      message(answerTo(id, 'yours'))
    },
  ],
  ['malformed', (id, { message }) => message(JSON.stringify({ jsonrpc: '2.0', id, answer: 42 }))],
  ['flood', flood],
  [
    'deep',
    (id, { message }) => {
      const nest = '['.repeat(100_000) + ']'.repeat(100_000)
      message(`{"jsonrpc":"2.0","result":{"content":${nest}},"id":${JSON.stringify(id)}}`)
    },
  ],
  ['big', (id, { message }) => message(answerTo(id, 'x'.repeat(50 * 1024 * 1024)))],
  [
    'batch',
    (id, { message }) => message(`[${answerTo('other', 'no')},${answerTo(id, 'in a batch')}]`),
  ],
])

const note = (method: string, params: object): string =>
  JSON.stringify({ jsonrpc: '2.0', method, params })

function flood(id: unknown, { message }: Said): void {
  const log = note('notifications/message', { level: 'info', data: 'x'.repeat(100) })
  const late = note('notifications/progress', { progressToken: 12_345, progress: 1 })
  for (let at = 0; at < 10_000; at++) message(at % 2 === 0 ? log : late)
  message(answerTo(id, 'dry'))
}

/** Misbehaves on a line or an event stream; false when the name is not known here. */
export function misbehave(name: string, id: unknown, said: Said): boolean {
  const manner = MANNERS.get(name)
  manner?.(id, said)
  return manner !== undefined
}

export const INITIALIZED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'hostile', version: '0' },
}
