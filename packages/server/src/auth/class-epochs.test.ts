import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { silentLog } from '#telemetry'
import { classEpochs } from './class-epochs.ts'
import type { Grant } from './grant.ts'
import { openRevocations } from './revocations.ts'
import type { IssuerSettings } from './settings.ts'

const ISSUER = 'https://idp.example'

const grant = (scopes: readonly string[], more: Partial<Grant> = {}): Grant => ({
  settings: { issuer: ISSUER } as IssuerSettings,
  subject: 'ada',
  client: 'c',
  scopes,
  audiences: [],
  actors: [],
  tokenId: 't',
  expiresAt: 0,
  issuedAt: 0,
  grantId: undefined,
  epoch: undefined,
  jkt: undefined,
  ...more,
})

function open() {
  const catalogue = { epoch: 3 }
  const records = storeRecords(systemWorld, openStore(':memory:', [RECORD_TABLES]))
  return { records, catalogue, epochs: classEpochs(records, () => catalogue.epoch) }
}

test('a class scope is of the epoch of its first use, by each principal through each client', async () => {
  // AS38
  const { catalogue, epochs } = open()
  assert.deepEqual(await epochs.of(grant(['files:read', 'mcp:discover'])), { 'files:read': 3 })
  catalogue.epoch = 5
  assert.deepEqual(await epochs.of(grant(['files:read', 'web:write'])), {
    'files:read': 3,
    'web:write': 5,
  })
  assert.deepEqual(await epochs.of(grant(['files:read'], { client: 'd' })), { 'files:read': 5 })
  assert.deepEqual(await epochs.of(grant(['files:read'], { subject: 'bob' })), { 'files:read': 5 })
})

test('a token without a class scope has nothing that could grow', async () => {
  const { epochs } = open()
  assert.equal(await epochs.of(grant(['mcp:discover', 'tool:files.rm', 'openid'])), undefined)
})

test('our own tokens say their epoch, those of others are not believed to', async () => {
  // AS38
  const { epochs } = open()
  const ours = { issuer: ISSUER, classes: 'claimed' } as IssuerSettings
  assert.equal(await epochs.of(grant(['a:read'], { settings: ours, epoch: 2 })), 2)
  assert.deepEqual(await epochs.of(grant(['a:read'], { epoch: 99 })), { 'a:read': 3 })
  // One of ours that says nothing is judged like any other.
  assert.deepEqual(await epochs.of(grant(['a:read'], { settings: ours })), { 'a:read': 3 })
  const growing = { issuer: ISSUER, classes: 'growing' } as IssuerSettings
  assert.equal(await epochs.of(grant(['a:read'], { settings: growing })), undefined)
})

test('of many who are first at once, all are told the same', async () => {
  const { catalogue, epochs } = open()
  const all = await Promise.all(
    Array.from({ length: 32 }, (_, at) => {
      catalogue.epoch = at
      return epochs.of(grant(['files:read', `s${String(at % 4)}:read`]))
    }),
  )
  const told = new Set(all.map((one) => JSON.stringify((one as never)['files:read'])))
  assert.equal(told.size, 1)
})

test('whoever was revoked begins anew', async () => {
  const { records, catalogue, epochs } = open()
  const rooms = { world: systemWorld, log: silentLog, records, isShared: false }
  const revocations = await openRevocations(rooms)
  await epochs.of(grant(['files:read']))
  catalogue.epoch = 9
  await revocations.revoke({ kind: 'user', id: `${ISSUER}#bob` })
  assert.deepEqual(await epochs.of(grant(['files:read'])), { 'files:read': 3 })
  await revocations.revoke({ kind: 'user', id: `${ISSUER}#ada` })
  assert.deepEqual(await epochs.of(grant(['files:read'])), { 'files:read': 9 })
})
