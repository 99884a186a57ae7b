import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '#base'
import { startAuthority } from './fake-authority.ts'
import { connect, openVault, PERSONAL, somebody } from './open-vault.ts'

const ada = somebody('ada')
const bob = somebody('bob')
const post = (url: string) => ({ method: 'POST', url })
const FAULT = (code: string) => (thrown: unknown) =>
  assert.equal((thrown as { code?: string }).code, code) ?? true

test('A service credential is obtained with what was registered, for exactly the server.', async () => {
  await using authority = await startAuthority()
  const client = { id: 'gateway', secret: new Secret('s3cret') }
  const auth = { per: 'service', grant: 'client_credentials', client, scopes: ['read'] } as const
  await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
  const shown = await opened.vault.show('behind', ada, post(authority.url))
  assert.equal((await authority.call(shown.headers)).status, 200)
  // OC10, AS28: the resource is always named, and the secret is not in the body.
  assert.deepEqual(authority.asked[0]?.form, {
    grant_type: 'client_credentials',
    scope: 'read',
    resource: authority.url,
  })
  assert.equal(authority.asked[0]?.basic, `Basic ${btoa('gateway:s3cret')}`)
  assert.ok(!JSON.stringify(opened.noted).includes('s3cret'))
  // It is the house's own: another caller shows the same one.
  const again = await opened.vault.show('behind', bob, post(authority.url))
  assert.equal(again.credential, shown.credential)
  assert.equal(authority.asked.length, 1)
})

test('Nobody is shown until somebody connected, and then to nobody else.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await assert.rejects(
    opened.vault.show('behind', ada, post(authority.url)),
    FAULT('upstream/unconnected'),
  )
  await connect(opened.vault, authority, ada)
  const shown = await opened.vault.show('behind', ada, post(authority.url))
  assert.equal((await authority.call(shown.headers)).status, 200)
  await assert.rejects(
    opened.vault.show('behind', bob, post(authority.url)),
    FAULT('upstream/unconnected'),
  )
  // OC15: a token goes where it was issued for.
  await assert.rejects(opened.vault.show('behind', ada, post('https://elsewhere.example/mcp')))
})

test('What ends is refreshed before it is shown, and the new refresh token is kept first.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  const before = await opened.vault.show('behind', ada, post(authority.url))
  for (let round = 0; round < 3; round++) {
    opened.pass(290_000)
    const shown = await opened.vault.show('behind', ada, post(authority.url))
    assert.notEqual(shown.credential, before.credential)
    assert.equal((await authority.call(shown.headers)).status, 200)
  }
  assert.equal(authority.reused, 0)
  // OC10: the resource is named when refreshing too.
  assert.equal(authority.asked.at(-1)?.form['resource'], authority.url)
})

test('A refresh token that is over asks for the account again, and says nothing of why.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  opened.pass(290_000)
  authority.error = 'invalid_grant'
  await assert.rejects(
    opened.vault.show('behind', ada, post(authority.url)),
    FAULT('upstream/unconnected'),
  )
  const [line] = await opened.vault.connections()
  assert.equal(line?.status, 'reconnect_required')
  authority.error = undefined
  // It is not tried again: a used refresh token is taken for a stolen one.
  const { length } = authority.asked
  await assert.rejects(
    opened.vault.show('behind', ada, post(authority.url)),
    FAULT('upstream/unconnected'),
  )
  assert.equal(authority.asked.length, length)
  await connect(opened.vault, authority, ada)
  await opened.vault.show('behind', ada, post(authority.url))
})

test('A token that still lives is shown while its authorization server does not answer.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  authority.isDown = true
  opened.pass(280_000)
  await opened.vault.show('behind', ada, post(authority.url))
  opened.pass(30_000)
  await assert.rejects(
    opened.vault.show('behind', ada, post(authority.url)),
    FAULT('upstream/unavailable'),
  )
  authority.isDown = false
  await opened.vault.show('behind', ada, post(authority.url))
})

test('A refused token is refreshed once, however many notice.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  const { length } = authority.asked
  const shown = await Promise.all(
    Array.from({ length: 8 }, () => opened.vault.show('behind', ada, post(authority.url))),
  )
  authority.endAll()
  const refusal = { status: 401, challenges: ['Bearer error="invalid_token"'], nonce: undefined }
  const again = await Promise.all(
    shown.map((one) => opened.vault.refused('behind', ada, one, { ...refusal, status: 401 })),
  )
  assert.ok(again.every(Boolean))
  assert.equal(authority.asked.length, length + 1)
  const now = await opened.vault.show('behind', ada, post(authority.url))
  assert.equal((await authority.call(now.headers)).status, 200)
})

test('A lifetime that is none is not believed: a token lives until it is refused.', async () => {
  await using authority = await startAuthority()
  await using opened = openVault({ servers: { behind: { url: authority.url, auth: PERSONAL } } })
  for (const lifetime of [0, -3_600, 1e300, 0.0001]) {
    authority.lifetime = lifetime
    await connect(opened.vault, authority, ada)
    const asked = authority.asked.length
    const shown = await opened.vault.show('behind', ada, post(authority.url))
    assert.equal((await authority.call(shown.headers)).status, 200)
    // Neither one that is over at once and renewed for each request, nor a date that nobody can print.
    if (lifetime !== 0.0001) assert.equal(authority.asked.length, asked, String(lifetime))
    for (const { expiresAt } of await opened.vault.connections()) {
      if (expiresAt !== undefined) assert.match(new Date(expiresAt).toISOString(), /^20/)
    }
  }
})

test('What is no token is kept for nobody: it fits no header, or is bound to no key though that is required.', async () => {
  const metadata = { dpop_signing_alg_values_supported: ['ES256'] }
  await using authority = await startAuthority({ metadata })
  const auth = { ...PERSONAL, dpop: 'required' } as const
  await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
  const wrong = [
    { token_type: 'Bearer' },
    { access_token: 'a\nb' },
    { access_token: 'é' },
    { access_token: '' },
    { access_token: 'x'.repeat(20_000) },
  ]
  for (const answer of wrong) {
    authority.answer = answer
    await assert.rejects(connect(opened.vault, authority, ada), FAULT('upstream/unavailable'))
    assert.deepEqual(await opened.vault.connections(), [])
  }
  authority.answer = {}
  await connect(opened.vault, authority, ada)
  const shown = await opened.vault.show('behind', ada, post(authority.url))
  assert.match(String(shown.headers['authorization']), /^DPoP /)
})
