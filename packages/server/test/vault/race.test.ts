// Whoever needs a fresh token at the same time as others gets the one that one of them asked for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAuthority } from './fake-authority.ts'
import { connect, openVault, PERSONAL, somebody } from './open-vault.ts'

const ada = somebody('ada')
const RACERS = 32

test('32 that need a token which is over cause one refresh, on two nodes together.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  const nodes = [opened.vault, opened.another()]
  await connect(opened.vault, authority, ada)
  const { length } = authority.asked
  for (let round = 1; round <= 3; round++) {
    opened.pass(290_000)
    const gate = Promise.withResolvers<void>()
    authority.gate = gate.promise
    const racing = Array.from({ length: RACERS }, async (_, index) => {
      const node = nodes[index % nodes.length]!
      const shown = await node.show('behind', ada, { method: 'POST', url: authority.url })
      const { status } = await authority.call(shown.headers)
      return { status, credential: shown.credential }
    })
    gate.resolve()
    const answers = await Promise.all(racing)
    assert.ok(answers.every(({ status }) => status === 200))
    assert.equal(new Set(answers.map(({ credential }) => credential)).size, 1)
    assert.equal(authority.asked.length, length + round)
  }
  assert.equal(authority.reused, 0)
})

test('32 that obtain the first token of the house cause one request.', async () => {
  await using authority = await startAuthority()
  const auth = { per: 'service', grant: 'client_credentials' } as const
  await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
  const nodes = [opened.vault, opened.another()]
  const shown = await Promise.all(
    Array.from({ length: RACERS }, (_, index) =>
      nodes[index % 2]!.show('behind', somebody(`racer ${index}`), {
        method: 'POST',
        url: authority.url,
      }),
    ),
  )
  assert.equal(new Set(shown.map(({ credential }) => credential)).size, 1)
  assert.equal(authority.asked.length, 1)
  assert.equal(authority.registrations.length, 1)
})

test('A node that died while it refreshed holds the others up for a minute, not for ever.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  opened.pass(290_000)
  const key = JSON.stringify(['behind', 'ada'])
  const until = Date.now() + 290_000 + 60_000
  await opened.records.add('RefreshLease', key, { holder: 'the dead' }, { until })
  const waiting = opened.vault.show('behind', ada, { method: 'POST', url: authority.url })
  opened.pass(61_000)
  await waiting
  assert.equal(authority.reused, 0)
})

test('What was removed while it was being refreshed stays removed.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  opened.pass(290_000)
  const gate = Promise.withResolvers<void>()
  authority.gate = gate.promise
  const { length } = authority.asked
  const waiting = opened.vault.show('behind', ada, { method: 'POST', url: authority.url })
  const refused = assert.rejects(waiting, { code: 'upstream/unconnected' })
  while (authority.asked.length === length) await new Promise(setImmediate)
  await opened.vault.disconnect('behind', 'ada')
  gate.resolve()
  await refused
  assert.deepEqual(await opened.vault.connections(), [])
})
