// What is written down of a credential, and who can read it.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeSeal, Secret, systemWorld } from '#base'
import { makeVault, openMaster, ownClientAt } from '#vault'
import { silentLog } from '#telemetry'
import { startAuthority } from './fake-authority.ts'
import { connect, openVault, PERSONAL, somebody } from './open-vault.ts'

const [ada, bob] = [somebody('ada'), somebody('bob')]

test('Nothing that could be shown stands in the store, nor in what the ledger is told.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  const { headers } = await opened.vault.show('behind', ada, { method: 'POST', url: authority.url })
  const token = (headers['authorization'] ?? '').slice('Bearer '.length)
  const secret = authority.registrations[0]?.['client_secret'] as string
  const files = readdirSync(opened.folder).map((name) => readFileSync(join(opened.folder, name)))
  const written = Buffer.concat(files).toString('latin1') + JSON.stringify(opened.noted)
  for (const hidden of [token, secret, 'rt-', 'code_verifier']) {
    assert.ok(!written.includes(hidden), `${hidden.slice(0, 3)}… is readable`)
  }
  assert.ok(written.includes('ada'), 'the columns are readable')
  assert.equal(
    opened.noted.find(({ kind }) => kind === 'credential.connected')?.body['server'],
    'behind',
  )
})

test('A row that is moved to the place of another does not open there.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  await connect(opened.vault, authority, bob)
  const rows = await opened.records.list('Credential', { limit: 10 })
  const of = (owner: string) => rows.find(({ value }) => value['owner'] === owner)!
  const [mine, theirs] = [of('ada'), of('bob')]
  const { sealed, key } = theirs.value
  await opened.records.swap('Credential', mine.id, mine.revision, {
    value: { ...mine.value, sealed: sealed!, key: key! },
  })
  const fresh = opened.another()
  await assert.rejects(fresh.show('behind', ada, { method: 'POST', url: authority.url }))
  await fresh.show('behind', bob, { method: 'POST', url: authority.url })
})

test('A changed bit, or another master key, opens nothing; it can still be removed.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  const [row] = await opened.records.list('Credential', { limit: 1 })
  const sealed = row!.value['sealed'] as string
  const flipped = sealed.slice(0, -6) + (sealed.at(-6) === 'A' ? 'B' : 'A') + sealed.slice(-5)
  await opened.records.swap('Credential', row!.id, row!.revision, {
    value: { ...row!.value, sealed: flipped },
  })
  const fresh = opened.another()
  await assert.rejects(fresh.show('behind', ada, { method: 'POST', url: authority.url }))
  assert.equal(await fresh.disconnect('behind', 'ada'), 'forgotten')
  assert.deepEqual(await fresh.connections(), [])
})

test('After rekey the old master key is not needed, and before it the new one is not enough.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  const [old, next] = [randomBytes(32), randomBytes(32)]
  await using opened = openVault({ servers, rooms: { master: makeSeal(systemWorld, [old]) } })
  await connect(opened.vault, authority, ada)
  const withKeys = (...keys: [Buffer, ...Buffer[]]) =>
    makeVault(
      {
        world: systemWorld,
        log: silentLog,
        records: opened.records,
        ledger: { note: async () => undefined },
        master: makeSeal(systemWorld, keys),
        own: () => ownClientAt('http://127.0.0.1:1'),
      },
      new Map(Object.entries(servers)),
    )
  const request = { method: 'POST', url: authority.url }
  await assert.rejects(withKeys(next).show('behind', ada, request))
  const both = withKeys(next, old)
  await both.show('behind', ada, request)
  // The credential, and the secret of the client that we are there.
  assert.equal(await both.rekey(), 2)
  await withKeys(next).show('behind', ada, request)
  await assert.rejects(withKeys(old).show('behind', ada, request))
})

test('The master key comes from a file, a variable or a program, and never into a message.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-master-'))
  try {
    const key = randomBytes(32)
    const world = {
      ...systemWorld,
      env: (name: string) =>
        name === 'VAULT_KEY' ? key.toString('base64') : systemWorld.env(name),
    }
    const file = join(folder, 'keys', 'vault.key')
    const previous = [{ file }]
    const first = await openMaster(world, { key: { file }, previous: [] })
    const sealed = first.seal('x', 'kept')
    const second = await openMaster(world, { key: { env: 'VAULT_KEY' }, previous })
    assert.equal(second.open('x', sealed), 'kept')
    const script = join(folder, 'kms.mjs')
    writeFileSync(script, `console.log(${JSON.stringify(key.toString('base64url'))})`)
    const command = [process.execPath, script]
    const third = await openMaster(world, { key: { command }, previous: [] })
    assert.equal(third.open('y', second.seal('y', 'same')), 'same')
    writeFileSync(script, 'console.log("s3cret")')
    await assert.rejects(openMaster(world, { key: { command }, previous: [] }), (thrown: Error) => {
      assert.doesNotMatch(thrown.message, /s3cret/)
      return true
    })
    await assert.rejects(openMaster(world, { key: { env: 'NOT_THERE' }, previous: [] }))
    await assert.rejects(openMaster(world, { key: { command: ['/no/such'] }, previous: [] }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('Removing a connection ends it at its issuer too: the refresh token, then the access token.', async () => {
  await using authority = await startAuthority()
  const client = { id: 'gateway', secret: new Secret('s3cret') }
  const auth = { ...PERSONAL, client }
  await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
  await connect(opened.vault, authority, ada)
  assert.equal(await opened.vault.disconnect('behind', 'ada'), 'revoked')
  assert.deepEqual(
    authority.revoked.map((token) => token.slice(0, 3)),
    ['rt-', 'at-'],
  )
  await assert.rejects(opened.vault.show('behind', ada, { method: 'POST', url: authority.url }), {
    code: 'upstream/unconnected',
  })
  assert.equal(await opened.vault.disconnect('behind', 'ada'), undefined)
  authority.isDown = true
})
