// A legacy client, written by hand.

import assert from 'node:assert/strict'
import { send, start, type Answer, type Headers, type Live, type Loose } from './wire.ts'

export interface Session {
  readonly id: string
  readonly revision: string
  readonly initialized: Loose
  readonly headers: Headers
  /** Sends one message, or an array of them, in this session. */
  readonly post: (body: unknown, headers?: Headers) => Promise<Answer>
  readonly request: (method: string, params?: object, id?: string | number) => Promise<Answer>
  /** Like `request`, read while it comes. */
  readonly begin: (method: string, params?: object, id?: string | number) => Promise<Live>
  readonly notify: (method: string, params?: object) => Promise<Answer>
  /** Answers a question of the gateway. */
  readonly respond: (id: unknown, result: object) => Promise<Answer>
  /** Opens the stream for what belongs to no request, or goes on with one that broke. */
  readonly listen: (headers?: Headers) => Promise<Live>
  readonly end: () => Promise<Answer>
}

export const initialize = (revision: string, capabilities: object = {}): Loose => ({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: revision,
    capabilities,
    clientInfo: { name: 'wire', version: '1.0.0' },
  },
})

export async function openSession(
  url: URL,
  revision = '2025-11-25',
  capabilities: object = {},
): Promise<Session> {
  const opened = await send(url, { body: initialize(revision, capabilities) })
  assert.equal(opened.status, 200)
  const id = String(opened.headers['mcp-session-id'])
  const headers = { 'mcp-session-id': id, 'mcp-protocol-version': revision }
  const post: Session['post'] = (body, more = {}) =>
    send(url, { headers: { ...headers, ...more }, body })
  let ids = 0
  const message = (method: string, params: object, given?: string | number): Loose => ({
    jsonrpc: '2.0',
    id: given ?? ++ids,
    method,
    params,
  })
  const session: Session = {
    id,
    revision,
    headers,
    initialized: opened.message.result,
    post,
    request: (method, params = {}, given) => post(message(method, params, given)),
    begin: (method, params = {}, given) =>
      start(url, { headers, body: message(method, params, given) }),
    notify: (method, params = {}) => post({ jsonrpc: '2.0', method, params }),
    respond: (given, result) => post({ jsonrpc: '2.0', id: given, result }),
    listen: (more = {}) => start(url, { method: 'GET', headers: { ...headers, ...more } }),
    end: () => send(url, { method: 'DELETE', headers }),
  }
  const accepted = await session.notify('notifications/initialized')
  assert.equal(accepted.status, 202)
  return session
}
