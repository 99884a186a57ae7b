// AS18, DP5, AS32: what is good once is good once, however many show it at one time, on every store.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { connectPostgres, type PostgresLink } from '@countersign/engine'
import {
  findPostgres,
  startPostgres,
  type RunningPostgres,
} from '../../packages/engine/test/stores/start-postgres.ts'
import { grantsExtension } from '../../packages/server/src/auth/embedded/index.ts'
import { systemWorld } from '../../packages/server/src/base/index.ts'
import { postgresRecords, type Records } from '../../packages/server/src/store/index.ts'
import {
  ASSERTION_TYPE,
  letIn,
  makePkce,
  openAs,
  post,
  redeem,
  refresh,
  register,
  sentBack,
  signed,
  type AsPlan,
  type Posted,
} from '../../packages/server/test/auth/as-house.ts'
import {
  makeKey,
  startIssuer,
  type FakeIssuer,
} from '../../packages/server/test/auth/fake-issuer.ts'
import { NO_SETTINGS, workloadIssuer } from '../../packages/server/test/auth/grants-bench.ts'

const RACERS = 32

const race = (one: () => Promise<Posted>): Promise<readonly Posted[]> =>
  Promise.all(Array.from({ length: RACERS }, one))

function oneWins(answers: readonly Posted[], error: string): void {
  const won = answers.filter(({ status }) => status === 200)
  assert.equal(
    won.length,
    1,
    answers.map(({ status, json }) => `${status} ${String(json['error'])}`).join(),
  )
  const lost = answers.filter(({ status }) => status !== 200)
  const errors = new Set(lost.map(({ json }) => String(json['error'])))
  assert.deepEqual([...errors.difference(new Set([error, 'invalid_grant']))], [])
}

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** A server that lets the programs of a platform in. */
const withWorkloads = ({ issuer }: FakeIssuer, records: Records | undefined): AsPlan => ({
  ...(records ? { records: () => records } : {}),
  extension: (rooms) =>
    grantsExtension(
      { ...rooms, revocations: { isRevoked: () => false } },
      {
        ...NO_SETTINGS,
        workloads: [
          workloadIssuer({
            issuer,
            rules: [{ claims: { sub: 'ada' }, views: [''], scopes: ['peer:read'] }],
          }),
        ],
      },
    ),
})

/** `open` opens records that are empty; undefined takes the embedded store. */
function races(store: string, open: (() => Promise<Records>) | undefined): void {
  const openOn = async () => {
    const records = await open?.()
    return openAs(records ? { records: () => records } : {})
  }

  test(`${store}: ${String(RACERS)} that redeem one code get one token`, async () => {
    await using as = await openOn()
    await register(as)
    const pkce = makePkce()
    const back = await sentBack(as, {}, pkce)
    oneWins(await race(() => redeem(as, back, pkce)), 'invalid_grant')
  })

  test(`${store}: ${String(RACERS)} that show one refresh token get one, and it ends there`, async () => {
    await using as = await openOn()
    await register(as)
    const { json } = await letIn(as)
    const answers = await race(() => refresh(as, String(json['refresh_token'])))
    oneWins(answers, 'invalid_grant')
    const winner = answers.find(({ status }) => status === 200)
    const next = await refresh(as, String(winner?.json['refresh_token']))
    assert.equal(next.json['error'], 'invalid_grant', 'who shares a token loses the family')
  })

  test(`${store}: ${String(RACERS)} that show one client assertion get one token`, async () => {
    await using as = await openOn()
    const key = await makeKey()
    await register(as, {
      client_id: 'robot',
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      jwks: { keys: [key.jwk] },
    })
    await as.server.clients.allow('robot', { views: [''], scopes: ['peer:read'] })
    const claims = { iss: 'robot', sub: 'robot', aud: as.issuer, jti: randomUUID() }
    const assertion = await signed(key, claims)
    const answers = await race(() =>
      post(`${as.issuer}/token`, {
        grant_type: 'client_credentials',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: assertion,
        resource: as.resource(),
        scope: 'peer:read',
      }),
    )
    oneWins(answers, 'invalid_client')
  })

  test(`${store}: ${String(RACERS)} that show one identity of a platform get one token`, async () => {
    await using platform = await startIssuer()
    const records = await open?.()
    await using as = await openAs(withWorkloads(platform, records))
    const assertion = await platform.mint({ header: { typ: 'JWT' }, claims: { aud: as.issuer } })
    const answers = await race(() =>
      post(`${as.issuer}/token`, {
        grant_type: JWT_BEARER,
        assertion,
        resource: as.resource(),
      }),
    )
    oneWins(answers, 'invalid_grant')
  })
}

races('SQLite', undefined)

const found = findPostgres()

if ('why' in found) {
  test('Postgres: the races did not run', { skip: found.why }, () => undefined)
} else {
  let server: RunningPostgres
  let link: PostgresLink
  let schemas = 0
  before(async () => {
    server = await startPostgres(found.bin)
    link = await connectPostgres({ ...server, connections: 8 }, systemWorld)
  })
  after(async () => {
    await link.close()
    await server.stop()
  })
  races('Postgres', () => postgresRecords(systemWorld, link, `r${String(schemas++)}`))
}
