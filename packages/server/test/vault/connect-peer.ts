// An MCP server that lets nobody in without a token of its authorization server, and remembers each visit.

import { createServer, request as forward, type IncomingMessage } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { startAuthority, type Authority } from './fake-authority.ts'

/** What came to the door. */
export interface Visit {
  readonly method: string
  /** All of `authorization`, or nothing. */
  readonly shown: string | undefined
  readonly session: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly wasLetIn: boolean
}

interface Granted {
  readonly scope: string
  readonly resource: string
  readonly bound: boolean
}

export interface ProtectedPeer extends AsyncDisposable {
  readonly url: string
  readonly authority: Authority
  /** Every request, oldest first. */
  readonly visits: Visit[]
  /** The tokens that are good now. */
  readonly access: Map<string, Granted>
  /** Scopes without which a token is good for nothing. */
  needs: readonly string[]
  /** What proofs must repeat; the next one is given with each answer. */
  nonce: string | undefined
}

/** Stands in front of a peer that asks nobody who they are. */
export async function protect(peer: {
  readonly url: string
  readonly close: () => Promise<void>
}): Promise<ProtectedPeer> {
  // The authority fills it with grants of its own shape.
  const access = new Map<string, never>()
  const authority = await startAuthority({ access })
  const visits: Visit[] = []
  const plan: Door = { access, needs: [], nonce: undefined, proofs: new Set() }
  const server = createServer((request, response) => {
    const url = `http://${request.headers.host}/mcp`
    if (request.url?.startsWith('/.well-known/oauth-protected-resource') === true) {
      response.writeHead(200, { 'content-type': 'application/json' })
      const servers = [authority.issuer]
      response.end(JSON.stringify({ resource: url, authorization_servers: servers }))
      return
    }
    const refusal = refusalOf(request, url, plan)
    const { authorization, 'mcp-session-id': session } = request.headers
    visits.push({
      method: request.method ?? '',
      shown: authorization,
      session: typeof session === 'string' ? session : undefined,
      headers: request.headers,
      wasLetIn: !refusal,
    })
    if (plan.nonce !== undefined) response.setHeader('dpop-nonce', plan.nonce)
    if (refusal) response.writeHead(refusal.status, refusal.headers).end()
    else pass(peer.url, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  // The plan stays the object that the door looks at.
  return Object.assign(plan, {
    url: `http://127.0.0.1:${port}/mcp`,
    authority,
    visits,
    access,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await authority[Symbol.asyncDispose]()
      await peer.close()
    },
  })
}

interface Door {
  readonly access: ProtectedPeer['access']
  needs: readonly string[]
  nonce: string | undefined
  /** Of proofs that were shown: none is good twice. */
  readonly proofs: Set<unknown>
}

function refusalOf(request: IncomingMessage, url: string, door: Door) {
  const { access, needs } = door
  const [, scheme, token] = /^(Bearer|DPoP) (.+)$/.exec(request.headers.authorization ?? '') ?? []
  const grant = token === undefined ? undefined : access.get(token)
  const metadata = `resource_metadata="${new URL(url).origin}/.well-known/oauth-protected-resource/mcp"`
  const refused = (status: 401 | 403, error: string) => ({
    status,
    headers: { 'www-authenticate': `Bearer ${error}${metadata}` },
  })
  if (token === undefined) return refused(401, '')
  if (!grant || grant.resource !== url) return refused(401, 'error="invalid_token", ')
  if (grant.bound !== (scheme === 'DPoP')) return refused(401, 'error="invalid_token", ')
  const wrong = grant.bound ? wrongIn(request, url, door) : undefined
  if (wrong !== undefined) return refused(401, `error="${wrong}", `)
  const held = grant.scope.split(' ')
  if (needs.every((scope) => held.includes(scope))) return undefined
  return refused(403, `error="insufficient_scope", scope="${needs.join(' ')}", `)
}

/** RFC 9449 §4.3, as far as a story needs it. */
function wrongIn(request: IncomingMessage, url: string, { nonce, proofs }: Door) {
  const proof = decodeJwt(String(request.headers['dpop']))
  const isFor = proof['htu'] === url && proof['htm'] === request.method
  if (!isFor || proofs.has(proof.jti)) return 'invalid_dpop_proof'
  if (proof['nonce'] !== nonce) return 'use_dpop_nonce'
  proofs.add(proof.jti)
  return undefined
}

function pass(to: string, request: IncomingMessage, response: ServerResponse): void {
  const { host: _host, authorization: _token, ...headers } = request.headers
  const sent = forward(to, { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  sent.on('error', () => response.destroy())
  response.on('close', () => sent.destroy())
  request.pipe(sent)
}
