// A house with its own authorization server, whose people sign in and consent at once.

import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { folkPages, newFolk, type Folk } from './as-folk.ts'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  AuthorizationRooms,
  AuthorizationServer,
  EmbeddedSettings,
  Extension,
  Protected,
  Resolve,
} from '#auth'
import { openAuthorizationServer } from '#auth/embedded'
import { makeSeal, systemWorld, type World } from '#base'
import { openStore, RECORD_TABLES, storeRecords, type Records } from '#store'
import { SignJWT } from 'jose'
import { seconds, type SigningKey } from './fake-issuer.ts'

type Loose = Readonly<Record<string, unknown>>

/** One authorization server on a port of its own, with a store of its own. */
export interface TestAs extends AsyncDisposable {
  readonly server: AuthorizationServer
  readonly origin: string
  readonly issuer: string
  readonly records: Records
  readonly folk: Folk
  readonly log: unknown[]
  readonly notes: { readonly kind: string; readonly body: Loose }[]
  readonly resource: (view?: string) => string
  /** The catalogue's epoch, changed by tests. */
  readonly catalogue: { epoch: number }
}

export interface AsPlan {
  readonly settings?: Partial<EmbeddedSettings>
  readonly dpopNonces?: boolean
  readonly world?: World
  /** As a proxy in front would have it. */
  readonly origin?: string
  readonly records?: (world: World) => Records
  readonly extension?: (
    rooms: Pick<AuthorizationRooms, 'world' | 'log' | 'ledger' | 'records' | 'protected'>,
  ) => Extension | undefined
  readonly resolve?: Resolve
  readonly revocations?: AuthorizationRooms['revocations']
}

export const SETTINGS: EmbeddedSettings = {
  accessTokenMs: 300_000,
  refreshIdleMs: 8 * 3_600_000,
  refreshMs: 30 * 24 * 3_600_000,
  metadataClients: { from: 'open', domains: [], reach: 'loopback' },
  registration: false,
  dpop: 'accepted',
  workloads: [],
  enterprises: [],
  delegation: { clients: [], lifetimeMs: 120_000 },
}

export async function openAs(plan: AsPlan = {}): Promise<TestAs> {
  const { settings = {}, dpopNonces = false, world = systemWorld } = plan
  const folder = mkdtempSync(join(tmpdir(), 'countersign-as-'))
  const store = openStore(join(folder, 'as.db'), [RECORD_TABLES])
  const records = plan.records?.(world) ?? storeRecords(world, store)
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  const at = `http://127.0.0.1:${String(port)}`
  const origin = plan.origin ?? at
  const folk = newFolk()
  const catalogue = { epoch: 7 }
  const lines: unknown[] = []
  const notes: { kind: string; body: Loose }[] = []
  const remember = (facts: object, message: string): void => void lines.push({ ...facts, message })
  const rooms = {
    world,
    log: { info: remember, warn: remember, error: remember, debug: () => undefined },
    ledger: { note: async (kind: string, body: Loose) => void notes.push({ kind, body }) },
    records,
    seal: makeSeal(world, [Buffer.alloc(32, 7)]),
    protected: resourcesAt(origin, catalogue),
  }
  const extension = plan.extension?.(rooms)
  const server = await openAuthorizationServer(
    {
      ...rooms,
      ...(await folkPages(folk)(origin, rooms)),
      ...(plan.resolve ? { resolve: plan.resolve } : {}),
      ...(plan.revocations ? { revocations: plan.revocations } : {}),
      ...(extension ? { extension } : {}),
    },
    { ...SETTINGS, ...settings },
    { origin, dpopNonces },
  )
  listener.on('request', (request: IncomingMessage, response: ServerResponse) => {
    server.answer(request, response).catch((thrown: unknown) => {
      lines.push({ thrown: String(thrown) })
      response.writeHead(500).end()
    })
  })
  return {
    server,
    origin: at,
    issuer: `${origin}/oauth`,
    records,
    folk,
    log: lines,
    notes,
    catalogue,
    resource: (view = '') => `${origin}/mcp${view === '' ? '' : `/${view}`}`,
    async [Symbol.asyncDispose]() {
      listener.closeAllConnections()
      await new Promise((resolve) => listener.close(resolve))
      await server.close()
      store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const SCOPES = ['mcp:discover', 'peer:read', 'peer:write', 'peer:admin', 'tool:peer.echo'] as const

function resourcesAt(origin: string, catalogue: { readonly epoch: number }): Protected {
  const all = ['', 'peer'].map((view) => ({
    url: `${origin}/mcp${view === '' ? '' : `/${view}`}`,
    view,
    name: 'Test',
    scopes: () => SCOPES,
    opens: () => [],
    ready: async () => undefined,
    epoch: () => catalogue.epoch,
  }))
  return { all: () => all, at: (url) => all.find((one) => one.url === url) }
}

type Jar = Map<string, { readonly value: string; readonly path: string }>

const cookiesFor = (jar: Jar, pathname: string): string =>
  [...jar]
    .filter(([, { path }]) => pathname.startsWith(path))
    .map(([name, { value }]) => `${name}=${value}`)
    .join('; ')

function keepCookie(jar: Jar, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
  const [, path = '/'] = /path=([^;]+)/i.exec(line) ?? []
  if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name)
  else jar.set(name, { value, path })
}

/** A browser with a jar of cookies that goes where it is sent, until it leaves the server. */
export function makeBrowser(origin: string): {
  readonly go: (url: string) => Promise<URL | { readonly status: number; readonly text: string }>
} {
  const jar: Jar = new Map()
  return {
    go: async (url) => {
      let at = new URL(url)
      for (let hops = 0; hops < 12; hops++) {
        if (at.origin !== origin) return at
        const headers = { cookie: cookiesFor(jar, at.pathname) }
        const answer = await fetch(at, { redirect: 'manual', headers })
        for (const line of answer.headers.getSetCookie()) keepCookie(jar, line)
        const location = answer.headers.get('location')
        if (location === null) return { status: answer.status, text: await answer.text() }
        await answer.body?.cancel()
        at = new URL(location, at)
      }
      throw new Error(`sent in circles: ${at.href}`)
    },
  }
}

export interface Pkce {
  readonly verifier: string
  readonly challenge: string
}

export function makePkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export interface Posted {
  readonly status: number
  readonly headers: Headers
  readonly json: Loose
}

/** A form at an endpoint of the authorization server; undefined leaves a field out. */
export async function post(
  url: string,
  form: Readonly<Record<string, string | undefined>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Posted> {
  const fields = Object.entries(form).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, value]],
  )
  const answer = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(fields) })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json') === true
  return {
    status: answer.status,
    headers: answer.headers,
    json: isJson ? JSON.parse(text) : { text },
  }
}

export const CLIENT = 'story-client'
export const CALLBACK = 'http://127.0.0.1:3999/callback'

/** The URL at which a person lets a client in. */
export function authorizeUrl(
  as: Pick<TestAs, 'issuer' | 'resource'>,
  pkce: Pkce,
  over: Readonly<Record<string, string | undefined>> = {},
): string {
  const params = {
    response_type: 'code',
    client_id: CLIENT,
    redirect_uri: CALLBACK,
    scope: 'mcp:discover peer:read',
    resource: as.resource(),
    state: 'st',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    ...over,
  }
  const told = Object.entries(params).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, value]],
  )
  return `${as.issuer}/authorize?${new URLSearchParams(told).toString()}`
}

/** Registers the client of these tests, or another one like it. */
export async function register(as: Pick<TestAs, 'server'>, over: Loose = {}): Promise<void> {
  await as.server.clients.add(
    {
      client_id: CLIENT,
      client_name: 'Story',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      ...over,
    },
    'admin',
  )
}

/** What a person sent the client back with; a page in its place is a failure of the test. */
export async function sentBack(
  as: TestAs,
  over: Readonly<Record<string, string | undefined>> = {},
  pkce = makePkce(),
): Promise<URL> {
  const back = await makeBrowser(as.origin).go(authorizeUrl(as, pkce, over))
  if (back instanceof URL) return back
  throw new Error(`stopped at a page: ${String(back.status)} ${back.text}`)
}

export const redeem = (
  as: TestAs,
  back: URL,
  pkce: Pkce,
  over: Readonly<Record<string, string | undefined>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Posted> =>
  post(
    `${as.origin}/oauth/token`,
    {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: CALLBACK,
      client_id: CLIENT,
      code_verifier: pkce.verifier,
      resource: as.resource(),
      ...over,
    },
    headers,
  )

/** The tokens of a client that a person let in. */
export async function letIn(
  as: TestAs,
  over: Readonly<Record<string, string | undefined>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Posted> {
  const pkce = makePkce()
  return redeem(as, await sentBack(as, over, pkce), pkce, {}, headers)
}

export const refresh = (
  as: TestAs,
  token: string,
  over: Readonly<Record<string, string | undefined>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Posted> =>
  post(
    `${as.origin}/oauth/token`,
    {
      grant_type: 'refresh_token',
      refresh_token: token,
      client_id: CLIENT,
      resource: as.resource(),
      ...over,
    },
    headers,
  )

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A JWT for two minutes, signed by this key. */
export const signed = (key: SigningKey, claims: Loose, header: Loose = {}): Promise<string> =>
  new SignJWT({ iat: seconds(), exp: seconds() + 120, ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey)
