import type { IncomingMessage, ServerResponse } from 'node:http'
import { INITIALIZED } from './hostile.ts'
import { listen, type HttpPeer } from './legacy-http.ts'

export interface Visit {
  readonly method: string
  readonly headers: IncomingMessage['headers']
  /** The parsed body of a POST. */
  readonly message: { readonly id?: unknown; readonly method?: string } | undefined
  readonly response: ServerResponse
}

export interface ScriptedPeer extends HttpPeer {
  readonly visits: Visit[]
  /** Resolves with the next visit that `wanted` accepts, past ones included. */
  readonly visit: (wanted: (visit: Visit) => boolean) => Promise<Visit>
}

/** What a script does with a visit; true when it has taken care of it. */
export type Script = (visit: Visit) => boolean

export const events = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' })

export const json = (response: ServerResponse, value: object): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', ...value }))
}

/** A legacy server of which a story decides every answer; the handshake goes by itself. */
export async function serveScript(script: Script, capabilities = {}): Promise<ScriptedPeer> {
  const visits: Visit[] = []
  const waiting = new Set<() => void>()
  const peer = await listen((request, response) => {
    const act = async (): Promise<void> => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const { method = '', headers } = request
      const visit = { method, headers, message: body ? JSON.parse(body) : undefined, response }
      visits.push(visit)
      for (const look of waiting) look()
      if (!script(visit)) answer(visit, capabilities)
    }
    void act()
  })
  const visit = (wanted: (visit: Visit) => boolean): Promise<Visit> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = visits.find(wanted)
        if (!found) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  return { ...peer, visits, visit }
}

function answer({ method, message, response }: Visit, capabilities: object): void {
  const { id } = message ?? {}
  if (method !== 'POST') response.writeHead(method === 'DELETE' ? 200 : 405).end()
  else if (id === undefined) response.writeHead(202).end()
  else if (message?.method === 'initialize') {
    response.setHeader('mcp-session-id', 'session-1')
    json(response, { id, result: { ...INITIALIZED, capabilities } })
  } else if (message?.method === 'server/discover') {
    json(response, { id, error: { code: -32601, message: 'unknown' } })
  } else json(response, { id, result: { content: [{ type: 'text', text: 'plain' }] } })
}
