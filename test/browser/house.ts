// A house whose people sign in in a real browser, and a client that sends them there.

import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  openGuarded,
  type GuardedHouse,
  type GuardedPlan,
} from '../../packages/server/test/auth/guarded-house.ts'

type Loose = Readonly<Record<string, unknown>>

export interface BrowserHouse extends AsyncDisposable {
  readonly guarded: GuardedHouse
  /** What people see: passkeys need a name, so it is one. */
  readonly origin: string
  readonly client: WaitingClient
}

/** A program on this computer that waits for the answer of the authorization server. */
interface WaitingClient extends AsyncDisposable {
  readonly id: string
  readonly redirectUri: string
  /** The address that it opens in the browser. */
  readonly begin: (asked: { readonly scope: string; readonly [more: string]: string }) => string
  /** What came back last. */
  readonly answer: () => URLSearchParams
  /** The scopes of the token that the last code is good for. */
  readonly scopes: () => Promise<readonly string[]>
  /** The token that the last code is good for. */
  readonly token: () => Promise<string>
}

export async function openBrowserHouse(
  auth: Loose = {},
  client: Loose = {},
  more: Pick<GuardedPlan, 'policy' | 'data' | 'servers' | 'world'> & {
    readonly port?: number
  } = {},
): Promise<BrowserHouse> {
  const { port = 0, ...plan } = more
  const guarded = await openGuarded({
    auth: { embedded: {}, ...auth },
    listen: { host: 'localhost', port },
    ...plan,
  })
  const origin = `http://localhost:${String(guarded.port)}`
  const waiting = await startClient(origin)
  await guarded.house.authorization?.clients.add(
    {
      client_id: waiting.id,
      client_name: 'Notebook Agent',
      redirect_uris: [waiting.redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      ...client,
    },
    'admin',
  )
  return {
    guarded,
    origin,
    client: waiting,
    async [Symbol.asyncDispose]() {
      await waiting[Symbol.asyncDispose]()
      await guarded[Symbol.asyncDispose]()
    },
  }
}

async function startClient(origin: string): Promise<WaitingClient> {
  let last = new URLSearchParams()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (url.pathname === '/callback') last = url.searchParams
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<!doctype html><html lang="en"><title>Client</title><h1>Back at the client</h1>')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const redirectUri = `http://127.0.0.1:${String(port)}/callback`
  const verifier = randomBytes(32).toString('base64url')
  const id = 'notebook'
  const token = async (): Promise<string> => {
    const response = await fetch(`${origin}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: id,
        code: last.get('code') ?? '',
        redirect_uri: redirectUri,
        code_verifier: verifier,
        resource: `${origin}/mcp`,
      }),
    })
    const said = (await response.json()) as { access_token?: string; error?: string }
    if (said.access_token === undefined) throw new Error(JSON.stringify(said))
    return said.access_token
  }
  return {
    id,
    redirectUri,
    begin: (asked) => {
      const query = new URLSearchParams({
        client_id: id,
        redirect_uri: redirectUri,
        response_type: 'code',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        resource: `${origin}/mcp`,
        state: 'the state',
        ...asked,
      })
      return `${origin}/oauth/authorize?${query.toString()}`
    },
    answer: () => last,
    scopes: async () => {
      const [, claims = ''] = (await token()).split('.')
      return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')).scope.split(' ')
    },
    token,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
