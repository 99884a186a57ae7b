// Where a server's authorization server is looked for, and whose word about itself is taken.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAuthority, type Authority } from './fake-authority.ts'
import { connect, openVault, PERSONAL, somebody } from './open-vault.ts'

const ada = somebody('ada')
const AT_PATH = '/.well-known/oauth-protected-resource/mcp'
const AT_ROOT = '/.well-known/oauth-protected-resource'

async function connected(authority: Authority): Promise<readonly string[]> {
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  return authority.paths.filter((path) => path.includes('.well-known'))
}

test('The metadata of a server is where its challenge says, else at its path, else at the root (OC1).', async () => {
  await using told = await startAuthority({ resourceAt: '/elsewhere/metadata' })
  assert.ok((await connected(told)).every((path) => !path.includes('protected-resource')))
  assert.ok(told.paths.includes('/elsewhere/metadata'))
  await using atPath = await startAuthority({ omitsMetadataUrl: true })
  assert.equal((await connected(atPath))[0], AT_PATH)
  await using atRoot = await startAuthority({ omitsMetadataUrl: true, resourceAt: AT_ROOT })
  atRoot.resource = { resource: new URL(atRoot.url).origin }
  assert.deepEqual((await connected(atRoot)).slice(0, 2), [AT_PATH, AT_ROOT])
  assert.equal(atRoot.asked[0]?.form['resource'], new URL(atRoot.url).origin)
})

test('What is at the root and says it is of the path, or the reverse, is of neither.', async () => {
  await using authority = await startAuthority()
  // At the path, where only the server's own name is right.
  authority.resource = { resource: new URL(authority.url).origin }
  await assert.rejects(connected(authority), { code: 'upstream/unavailable' })
})

test('An authorization server is asked at three places, in order (OC3).', async () => {
  const places = [
    '/.well-known/oauth-authorization-server/as',
    '/.well-known/openid-configuration/as',
    '/as/.well-known/openid-configuration',
  ]
  for (const [index, metadataAt] of places.entries()) {
    await using authority = await startAuthority({
      metadataAt,
      metadata: {
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      },
    })
    const asked = (await connected(authority)).filter((path) => !path.includes('protected'))
    assert.deepEqual(asked.slice(0, index + 1), places.slice(0, index + 1))
  }
})

test('Metadata that names another issuer is nobody’s (OC4).', async () => {
  for (const issuer of ['https://evil.example', 'slash']) {
    await using authority = await startAuthority()
    authority.metadata = { issuer: issuer === 'slash' ? `${authority.issuer}/` : issuer }
    await assert.rejects(connected(authority), { code: 'upstream/unavailable' })
    assert.equal(authority.registrations.length, 0)
  }
})

test('Of a list of authorization servers without end a few are asked.', async () => {
  await using authority = await startAuthority()
  const { origin } = new URL(authority.url)
  const named = Array.from({ length: 500 }, (_, at) => `${origin}/nobody-${String(at)}`)
  authority.resource = { authorization_servers: named }
  await assert.rejects(connected(authority), { code: 'upstream/unavailable' })
  const asked = authority.paths.filter((path) => path.includes('nobody'))
  assert.ok(asked.length > 0 && asked.length <= 30, String(asked.length))
})
