// One scenario of the official suite with our OAuth client: the suite starts this with a server's URL.
//
// The vault is the real one, over a real store; what it shows goes out with the official client's
// requests. A person who agrees to everything sits in front of the browser.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Fault, isObject } from '../../packages/contract/src/index.ts'
import type { Principal } from '../../packages/server/src/auth/index.ts'
import { makeSeal, Secret, systemWorld } from '../../packages/server/src/base/index.ts'
import { openStore, RECORD_TABLES, storeRecords } from '../../packages/server/src/store/index.ts'
import { makeLog } from '../../packages/server/src/telemetry/index.ts'
import { makeVault, type OpenVault, type Shown } from '../../packages/server/src/vault/index.ts'
import { authFor, CONTEXT, REDIRECT_URL, DOCUMENT_URL } from './plans.ts'

const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''
const revision = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25'
const url = process.argv[2] ?? ''

const WHO: Principal = { id: 'local', proof: 'local' }
const PERSON = { principal: 'local', name: 'somebody', means: 'local', provedAt: 0 } as const
/** A person gives up as well. */
const CONNECTS_MAX = 6

const folder = mkdtempSync(join(tmpdir(), 'countersign-client-auth-'))
const store = openStore(join(folder, 'vault.db'), [RECORD_TABLES])
const idToken = async (): Promise<Secret> => new Secret(CONTEXT['idp_id_token'] ?? '')
const vault: OpenVault = makeVault(
  {
    world: systemWorld,
    log: makeLog('warn'),
    records: storeRecords(systemWorld, store),
    ledger: { note: async () => undefined },
    master: makeSeal(systemWorld, [randomBytes(32)]),
    own: () => ({
      redirectUrl: REDIRECT_URL,
      documentUrl: DOCUMENT_URL,
      publicDocumentUrl: DOCUMENT_URL,
    }),
    identities: { of: idToken, keep: async () => undefined },
  },
  new Map([['behind', { url, auth: authFor(scenario) }]]),
)

let connects = 0

/** What the person's browser does: it goes there, agrees at once, and comes back. */
async function connect(scopes: readonly string[]): Promise<void> {
  connects += 1
  if (connects > CONNECTS_MAX) throw new Error('asked to connect over and over')
  const begun = await vault.connecting.begin('behind', WHO, { scopes })
  if (!begun) throw new Error('nothing was begun')
  const page = await vault.connecting.authorize(begun.id, PERSON)
  const { headers } = await fetch(page, { redirect: 'manual' })
  await vault.connecting.finish(new URL(headers.get('location') ?? '').searchParams, PERSON)
}

/** Does it; where an account must be connected first, connects it and does it again. */
async function connected<Value>(work: () => Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      // oxlint-disable-next-line eslint/no-await-in-loop
      return await work()
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.code !== 'upstream/unconnected') throw thrown
      const scopes = isObject(thrown.data) ? thrown.data['scopes'] : undefined
      // oxlint-disable-next-line eslint/no-await-in-loop
      await connect(Array.isArray(scopes) ? scopes.map(String) : [])
    }
  }
}

const TRIES_MAX = 8

/** As the gateway sends: shows a credential, and another one when that was refused. */
async function sendShowing(input: string | URL, init: RequestInit = {}): Promise<Response> {
  const request = { method: init.method ?? 'GET', url: String(input) }
  for (let tries = 1; ; tries++) {
    const answer = await connected(async () => {
      const shown: Shown = await vault.show('behind', WHO, request)
      const headers = new Headers(init.headers)
      for (const [name, value] of Object.entries(shown.headers)) headers.set(name, value)
      const response = await fetch(input, { ...init, headers })
      const nonce = response.headers.get('dpop-nonce') ?? undefined
      const { status } = response
      if (status !== 401 && status !== 403) {
        if (nonce !== undefined) vault.heardNonce(shown, nonce)
        return response
      }
      const said = response.headers.get('www-authenticate')
      const challenges = said === null ? [] : [said]
      const isWorthIt = await vault.refused('behind', WHO, shown, { status, challenges, nonce })
      return isWorthIt && tries < TRIES_MAX ? undefined : response
    })
    if (answer) return answer
  }
}

async function main(): Promise<void> {
  const pinned = revision >= '2026' ? { versionNegotiation: { mode: { pin: revision } } } : {}
  const client = new Client({ name: 'countersign', version: '1' }, pinned)
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: sendShowing }))
  await client.listTools()
  await client.callTool({ name: 'test-tool', arguments: {} })
  await client.close()
}

try {
  await main()
} catch (thrown) {
  process.stderr.write(`${String(thrown)}\n`)
  if (thrown instanceof Fault && thrown.cause !== undefined) {
    process.stderr.write(
      `  because: ${thrown.cause instanceof Error ? thrown.cause.message : 'unknown'}\n`,
    )
  }
  process.exitCode = 1
} finally {
  await vault.close()
  store.close()
  rmSync(folder, { recursive: true, force: true })
}
process.exit()
