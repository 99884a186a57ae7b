import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ADMIN, Fault, type Admin } from '@countersign/contract'
import type { Secret } from '#base'

interface AdminRoute {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

/** The admin API over HTTP, for whoever holds the token of the data folder. */
export function adminRoutes(admin: Admin, token: Secret): readonly AdminRoute[] {
  const { listServers, listTools, listEntries } = ADMIN
  return [
    route(token, listServers, (input) => admin.listServers(input)),
    route(token, listTools, (input) => admin.listTools(input)),
    route(token, listEntries, (input) => admin.listEntries(input)),
    proof(token),
  ]
}

export const PROOF = '/admin/proof'
const NONCE = /^[\w-]{22,64}$/

/** Shows that its maker holds the token, without the token. */
export const proofOf = (token: Secret, nonce: string): string =>
  createHmac('sha256', token.reveal())
    .update(`countersign is running\n${nonce}`)
    .digest('base64url')

/** Asked before the token is sent: a port that a crash left may be another program's by now. */
const proof = (token: Secret): AdminRoute => ({
  method: 'GET',
  path: PROOF,
  answer: async (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const nonce = searchParams.get('nonce') ?? ''
    if (!NONCE.test(nonce)) throw new Fault('rpc/envelope', 'A nonce is missing or malformed.')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ proof: proofOf(token, nonce) }))
  },
})

interface Operation<Input> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly input: {
    readonly safeParse: (
      value: unknown,
    ) => { readonly success: true; readonly data: Input } | { readonly success: false }
  }
}

const route = <Input>(
  token: Secret,
  { method, path, input }: Operation<Input>,
  run: (input: Input) => Promise<unknown>,
): AdminRoute => ({
  method,
  path,
  answer: async (request, response) => {
    requireToken(request, token)
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const read = input.safeParse(Object.fromEntries(searchParams))
    if (!read.success) throw new Fault('rpc/envelope', 'Unknown or malformed parameters.')
    const output = await run(read.data)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(output))
  },
})

/** Compares in constant time, so that how far a guess was right does not show. */
export function requireToken(request: IncomingMessage, token: Secret): void {
  const given = Buffer.from(request.headers.authorization ?? '')
  const expected = Buffer.from(`Bearer ${token.reveal()}`)
  if (given.length === expected.length && timingSafeEqual(given, expected)) return
  throw new Fault('auth/required', 'The admin API needs the token of the data folder.')
}
