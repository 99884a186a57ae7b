// What stands between the suite and the server where the suite cannot do by itself what is asked.

import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** Changes what passes; what is not named passes as it is. */
export interface Changes {
  /** Headers that a token request has beside its own. */
  readonly proving?: () => Promise<Readonly<Record<string, string>>>
  /** The metadata, as the suite is to see it. */
  readonly metadata?: (told: Record<string, unknown>) => Record<string, unknown>
}

export interface Between extends AsyncDisposable {
  readonly origin: string
  /** Where it leads, once that is known. */
  port: number
  changes: Changes
}

export async function startBetween(): Promise<Between> {
  const state = { port: 0, changes: {} as Changes }
  const server = createServer((asked, response) => {
    pass(asked, response).catch((thrown: unknown) => {
      response.writeHead(502).end(String(thrown))
    })
  })
  const pass = async (asked: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url: path = '/', method } = asked
    const isToken = path === '/oauth/token'
    const extra = isToken ? await state.changes.proving?.() : undefined
    const body = await buffer(asked)
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const { port } = state
      const headers = { ...asked.headers, ...extra }
      request({ host: '127.0.0.1', port, path, method, headers }, resolve)
        .on('error', reject)
        .end(body)
    })
    const got = await buffer(answer)
    const { metadata } = state.changes
    const said = metadata && path.includes('/.well-known/oauth-authorization-server')
    const told = said ? Buffer.from(JSON.stringify(metadata(JSON.parse(got.toString())))) : got
    const { 'content-length': _, 'transfer-encoding': __, ...headers } = answer.headers
    response.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': told.length })
    response.end(told)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(state, {
    origin: `http://127.0.0.1:${String(port)}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
