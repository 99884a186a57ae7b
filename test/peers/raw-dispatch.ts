/** A transport on which a client and raw JSON-RPC requests share one connection, told apart by id. */
import type { Transport } from '@modelcontextprotocol/client'

type Message = Parameters<NonNullable<Transport['onmessage']>>[0]
type Answer =
  | { readonly kind: 'result'; readonly result: never }
  | { readonly kind: 'error'; readonly error: { code: number; message: string; data?: never } }

/** Requests past the SDK client, whose codecs refuse what tasks look like. */
export interface Raw {
  readonly dispatch: (request: unknown) => Promise<Answer>
  /** Notifications that came, in order, whoever they were for. */
  readonly heard: Message[]
}

/** Call before the client connects; use `raw` once it has. */
export function share(transport: Transport): { readonly shared: Transport; readonly raw: Raw } {
  const waiting = new Map<string, (answer: Answer) => void>()
  const heard: Message[] = []
  let next = 0
  const receive = (message: Message): boolean => {
    if ('method' in message) {
      heard.push(message)
      return false
    }
    const id = String(message.id)
    const resolve = waiting.get(id)
    if (!resolve) return false
    waiting.delete(id)
    resolve(
      'error' in message
        ? { kind: 'error', error: message.error as { code: number; message: string } }
        : { kind: 'result', result: message.result as never },
    )
    return true
  }
  let onmessage: Transport['onmessage']
  Object.defineProperty(transport, 'onmessage', {
    get: () => onmessage,
    set: (given: Transport['onmessage']) => {
      onmessage = given && ((message, extra) => void (receive(message) || given(message, extra)))
    },
  })
  const dispatch = async (request: unknown): Promise<Answer> => {
    const id = `raw-${String(++next)}`
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    const message = { jsonrpc: '2.0', id, ...(request as object) } as Message
    transport.send(message).catch((error: unknown) => {
      // Over HTTP an error with a status of 4xx comes as a failure to send.
      const body = /\{"jsonrpc".*\}/s.exec((error as Error).message)?.[0]
      if (body !== undefined) receive(JSON.parse(body) as Message)
      else waiting.get(id)?.({ kind: 'error', error: { code: 0, message: String(error) } })
    })
    return answered
  }
  return { shared: transport, raw: { dispatch, heard } }
}
