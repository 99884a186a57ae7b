// The keys that tokens are signed with: sealed where they are kept, replaced while tokens are out.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { systemWorld, type World } from '#base'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { letIn, openAs, refresh, register } from './as-house.ts'

const MINUTE_MS = 60_000

/** A world in which time passes when it is told to. */
function ownTime(): { readonly world: World; pass: (ms: number) => void } {
  let aheadMs = 0
  return {
    world: {
      ...systemWorld,
      now: () => systemWorld.now() + aheadMs,
      monotonic: () => systemWorld.monotonic() + aheadMs,
    },
    pass: (ms) => {
      aheadMs += ms
    },
  }
}

const kidOf = (token: string): string | undefined => decodeProtectedHeader(token).kid

const publishedBy = async (issuer: string): Promise<readonly string[]> => {
  const { keys } = (await (await fetch(`${issuer}/jwks`)).json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}

test('a new key is published before it signs, and the old one until its tokens are over', async () => {
  const time = ownTime()
  await using as = await openAs({ world: time.world })
  await register(as)
  const verifies = (token: string): Promise<boolean> =>
    jwtVerify(token, as.server.publicKeys)
      .then(() => true)
      .catch(() => false)
  const first = await letIn(as)
  const oldKid = kidOf(String(first.json['access_token']))
  const { kid, signsFrom } = await as.server.rotateKeys()
  assert.notEqual(kid, oldKid)
  assert.deepEqual(await publishedBy(as.issuer), [oldKid, kid])
  const second = await refresh(as, String(first.json['refresh_token']))
  assert.equal(kidOf(String(second.json['access_token'])), oldKid, 'it does not sign yet')
  time.pass(signsFrom - time.world.now() + 1_000)
  const third = await refresh(as, String(second.json['refresh_token']))
  assert.equal(kidOf(String(third.json['access_token'])), kid, JSON.stringify(third.json))
  assert.equal(
    await verifies(String(first.json['access_token'])),
    true,
    'the old one is believed still',
  )
  assert.equal(await verifies(String(third.json['access_token'])), true)
  time.pass(30 * MINUTE_MS)
  assert.deepEqual(await publishedBy(as.issuer), [kid])
  assert.equal(await verifies(String(first.json['access_token'])), false, 'and then no longer')
})

test('what another node rotated is known here a moment later', async () => {
  const time = ownTime()
  const store = openStore(':memory:', [RECORD_TABLES])
  const records = () => storeRecords(time.world, store)
  await using a = await openAs({ world: time.world, records, origin: 'https://mcp.example' })
  await using b = await openAs({ world: time.world, records, origin: 'https://mcp.example' })
  const { kid } = await a.server.rotateKeys()
  time.pass(6_000)
  assert.ok((await publishedBy(`${b.origin}/oauth`)).includes(kid))
  store.close()
})

test('sessions of browsers and tokens outlive a rotation', async () => {
  const time = ownTime()
  await using as = await openAs({ world: time.world })
  await register(as)
  const { json } = await letIn(as)
  await as.server.rotateKeys()
  await as.server.rotateKeys()
  assert.equal((await refresh(as, String(json['refresh_token']))).status, 200)
})

test('no private key stands in the records', async () => {
  await using as = await openAs()
  const kept = await as.records.list('oauth.keys', { limit: 10 })
  assert.equal(kept.length, 1)
  const text = JSON.stringify(kept)
  assert.match(text, /"kid":"key_/)
  assert.doesNotMatch(text, /"(?:d|crv|kty)"/)
})
