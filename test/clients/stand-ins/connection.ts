/** Streamable HTTP without a library, so that every byte is seen and a connection can just be dropped. */
import { isJson, list, type Json } from '../model/wire.ts'

export interface Response {
  readonly status: number
  readonly session: string | undefined
  /** The messages in each piece that arrives; none where it was a comment, or part of a message. */
  readonly pieces: AsyncIterable<readonly Json[]>
}

export interface Posting {
  readonly url: URL
  readonly message: Json
  readonly headers: Readonly<Record<string, string>>
  /** Closes the connection. */
  readonly signal: AbortSignal
}

export async function post({ url, message, headers, signal }: Posting): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(message),
    signal,
  })
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  return {
    status: response.status,
    session: response.headers.get('mcp-session-id') ?? undefined,
    pieces: isStream ? eventsIn(response) : documentIn(response),
  }
}

async function* documentIn(response: globalThis.Response): AsyncGenerator<readonly Json[]> {
  const text = await response.text()
  if (text !== '') yield messagesIn(text)
}

async function* eventsIn({ body }: globalThis.Response): AsyncGenerator<readonly Json[]> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const bytes of body ?? []) {
    const whole = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n\r?\n/)
    rest = whole.pop() ?? ''
    yield whole.flatMap((event) => messagesIn(dataOf(event)))
  }
}

const dataOf = (event: string): string =>
  event
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).trimStart())
    .join('\n')

function messagesIn(text: string): readonly Json[] {
  if (text === '') return []
  const value: unknown = JSON.parse(text)
  return isJson(value) ? [value] : list(value)
}
