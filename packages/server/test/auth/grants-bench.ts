// The grants of programs and enterprises with real records, real fetching and working issuers.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@countersign/contract'
import { systemWorld } from '#base'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { silentLog } from '#telemetry'
import type { ProtectedResource } from '../../src/auth/embedded/protected.ts'
import type { IdentityProvider, WorkloadIssuer } from '../../src/auth/embedded/settings.ts'
import type { GrantClient, Granting, GrantSettings } from '../../src/auth/grants/grant-rooms.ts'
import { makeGrants, type Grants } from '../../src/auth/grants/make-grants.ts'
import { Refused } from '../../src/auth/grants/refused.ts'
import { makeSafeFetch } from '../../src/auth/safe-fetch.ts'
import { ALGORITHMS } from '../../src/auth/settings.ts'

export const ISSUER = 'https://gw.example/oauth'
export const TOKEN_ENDPOINT = `${ISSUER}/token`
export const EPOCH = 7

const opened = (tool: string, effect: 'read' | 'write') => ({
  server: 'files',
  tool,
  title: undefined,
  effect,
})
const SCOPES = [
  'mcp:discover',
  'files:read',
  'files:write',
  'files:admin',
  'tool:files.look',
  'tool:files.put',
]

const resource = (view: string): ProtectedResource => ({
  url: `https://gw.example/mcp${view === '' ? '' : `/${view}`}`,
  view,
  name: view,
  scopes: () => SCOPES,
  opens: (scope) =>
    scope === 'tool:files.look'
      ? [opened('look', 'read')]
      : scope === 'tool:files.put'
        ? [opened('put', 'write')]
        : [],
  ready: async () => undefined,
  epoch: () => EPOCH,
})
const RESOURCES = ['', 'files', 'other'].map(resource)
export const FILES = 'https://gw.example/mcp/files'
export const OTHER = 'https://gw.example/mcp/other'
export const ALL = 'https://gw.example/mcp'

export interface Noted {
  readonly kind: string
  readonly body: JsonObject
}

export interface Bench extends AsyncDisposable {
  readonly grants: Grants
  readonly noted: readonly Noted[]
  /** Tokens of ours, as the issuing server would know them. */
  readonly own: Map<string, JsonObject>
  readonly people: Map<string, string>
}

export const NO_SETTINGS: GrantSettings = {
  accessTokenMs: 300_000,
  dpop: 'accepted',
  workloads: [],
  enterprises: [],
  delegation: { clients: [], lifetimeMs: 120_000 },
  skewMs: 5_000,
}

export function openBench(settings: Partial<GrantSettings>): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-grants-'))
  const store = openStore(join(folder, 'test.db'), [RECORD_TABLES])
  const safeFetch = makeSafeFetch(systemWorld)
  const noted: Noted[] = []
  const own = new Map<string, JsonObject>()
  const people = new Map<string, string>()
  const rooms = {
    world: systemWorld,
    log: silentLog,
    records: storeRecords(systemWorld, store),
    safeFetch,
    protected: {
      at: (url: string) => RESOURCES.find((one) => one.url === url),
      all: () => RESOURCES,
    },
    issuer: ISSUER,
    tokenEndpoint: TOKEN_ENDPOINT,
    note: (kind: string, body: JsonObject) => void noted.push({ kind, body }),
    ownToken: async (token: string) => own.get(token),
    personOf: async (issuer: string, subject: string) => {
      const id = people.get(`${issuer} ${subject}`)
      return id === undefined ? undefined : { id, isDisabled: id.startsWith('disabled') }
    },
  }
  return {
    grants: makeGrants(rooms, { ...NO_SETTINGS, ...settings }),
    noted,
    own,
    people,
    async [Symbol.asyncDispose]() {
      await safeFetch.close()
      store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Asking {
  readonly client?: GrantClient
  readonly jkt?: string
}

/** One request at the token endpoint; parameters that are undefined are left out. */
export function ask(
  { grants }: Bench,
  type: string,
  params: Readonly<Record<string, unknown>>,
  { client, jkt }: Asking = {},
): Promise<Granting> {
  const asked = { params, client, prove: async () => jkt }
  return grants.answer(type, asked, async (granting) => ({ ...granting, tokenId: 'issued' }))
}

/** It was refused, with this error and for this reason; and that was written down. */
export async function isRefused(
  bench: Bench,
  asked: Promise<unknown>,
  code: string,
  why: RegExp = /./,
): Promise<void> {
  const thrown: unknown = await asked.then(
    () => assert.fail('a token was given'),
    (error: unknown) => error,
  )
  assert.ok(thrown instanceof Refused, String(thrown))
  assert.equal(thrown.code, code, thrown.message)
  assert.match(thrown.message, why)
  const last = bench.noted.at(-1)
  assert.equal(last?.kind, 'token.refused')
  assert.equal(last.body['error'], code)
}

export const workloadIssuer = (
  more: Partial<WorkloadIssuer> & Pick<WorkloadIssuer, 'rules'>,
): WorkloadIssuer => ({
  name: 'ci',
  issuer: undefined,
  trustDomain: undefined,
  jwksUri: undefined,
  audiences: [],
  algorithms: ALGORITHMS,
  replay: 'once',
  lifetimeMs: 3_600_000,
  dpop: 'accepted',
  reach: 'loopback',
  ...more,
})

export const identityProvider = (
  more: Partial<IdentityProvider> & Pick<IdentityProvider, 'issuer'>,
): IdentityProvider => ({
  jwksUri: undefined,
  algorithms: ALGORITHMS,
  clients: {},
  views: ['files'],
  scopes: ['files:read'],
  replay: 'once',
  lifetimeMs: 600_000,
  tenantClaim: undefined,
  tenants: [],
  reach: 'loopback',
  ...more,
})
