// What a server names is written by others: no URL of theirs leads into our network (OC25, SS1-SS9).

import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Fault } from '@countersign/contract'
import type { Resolve } from '#auth'
import { Secret } from '#base'
import { startAuthority, type Authority } from './fake-authority.ts'
import { connect, openVault, person, PERSONAL, somebody } from './open-vault.ts'

const ada = somebody('ada')

/** Counts who knocks, and says nothing. */
async function startTrap() {
  let knocks = 0
  const server = createServer((socket) => {
    knocks += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    knocks: () => knocks,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Names, and where they lead. The last one changes its mind after it was looked at once. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'inside.example': ['127.0.0.1'],
  'inside6.example': ['::1'],
  'mixed.example': ['93.184.216.34', '127.0.0.1'],
  'private.example': ['10.0.0.1'],
  'cloud.example': ['169.254.169.254'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'nat64.example': ['64:ff9b::7f00:1'],
  localhost: ['127.0.0.1'],
}

const resolve: Resolve = (host, _options, done) => {
  const found = NAMES[host] ?? []
  const addresses: LookupAddress[] = found.map((address) => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }))
  if (addresses.length > 0) done(null, addresses)
  else done(new Error(`no ${host}`), [])
}

const hostile = (port: number): readonly string[] => [
  `http://127.0.0.1:${port}/x`,
  `https://127.0.0.1:${port}/x`,
  `https://localhost:${port}/x`,
  `https://[::1]:${port}/x`,
  `https://[::ffff:127.0.0.1]:${port}/x`,
  `https://0x7f000001:${port}/x`,
  `https://2130706433:${port}/x`,
  `https://0177.0.0.1:${port}/x`,
  `https://0.0.0.0:${port}/x`,
  `https://user:password@inside.example:${port}/x`,
  ...Object.keys(NAMES).map((name) => `https://${name}:${port}/x`),
  `ftp://inside.example:${port}/x`,
  `file:///etc/passwd`,
  'not a url',
]

/** Everything that is fetched because somebody else named it, and how it is made to be. */
const DOCUMENTS: Readonly<Record<string, (authority: Authority, url: string) => void>> = {
  'the metadata of the server': (authority, url) => {
    authority.challenge = `, resource_metadata="${url}"`
    authority.omitsMetadataUrl = true
  },
  'the metadata of its authorization server': (authority, url) => {
    authority.resource = { authorization_servers: [url] }
  },
  'the registration endpoint': (authority, url) => {
    authority.metadata = { registration_endpoint: url }
  },
  'the token endpoint': (authority, url) => {
    authority.metadata = { token_endpoint: url }
  },
}

for (const [document, name] of Object.entries(DOCUMENTS)) {
  test(`${document}: nothing inside is knocked at, and nothing of it is told.`, async () => {
    await using trap = await startTrap()
    await using authority = await startAuthority()
    for (const url of hostile(trap.port)) {
      name(authority, url)
      const auth = { ...PERSONAL, reach: 'public' } as const
      await using opened = openVault({
        servers: { behind: { url: authority.url, auth } },
        rooms: { resolve },
      })
      await assert.rejects(connect(opened.vault, authority, ada), (thrown: unknown) => {
        assert.ok(thrown instanceof Fault, `${url}: ${String(thrown)}`)
        assert.doesNotMatch(thrown.message, /ECONN|not https|passwd|may not|leads where/)
        return true
      })
      assert.equal(trap.knocks(), 0, url)
    }
  })
}

test('The revocation endpoint: the same, and the credential is gone here nevertheless.', async () => {
  await using trap = await startTrap()
  await using authority = await startAuthority()
  for (const url of hostile(trap.port)) {
    authority.metadata = { revocation_endpoint: url }
    const auth = { ...PERSONAL, reach: 'public' } as const
    await using opened = openVault({
      servers: { behind: { url: authority.url, auth } },
      rooms: { resolve },
    })
    // What cannot be read at all is not a metadata document.
    if (!URL.canParse(url)) continue
    await connect(opened.vault, authority, ada)
    assert.equal(await opened.vault.disconnect('behind', 'ada'), 'forgotten', url)
    assert.equal(trap.knocks(), 0, url)
    assert.deepEqual(await opened.vault.connections(), [])
  }
})

test('A redirect is not followed, wherever it leads.', async () => {
  await using trap = await startTrap()
  await using authority = await startAuthority()
  for (const path of ['/.well-known/oauth-protected-resource/mcp', '/as/token', '/as/register']) {
    authority.redirects = new Map([[path, `http://127.0.0.1:${trap.port}/x`]])
    const servers = { behind: { url: authority.url, auth: PERSONAL } }
    await using opened = openVault({ servers })
    await assert.rejects(connect(opened.vault, authority, ada))
    assert.equal(trap.knocks(), 0, path)
  }
})

test('Where a private network is meant, the machine itself and its cloud are still not.', async () => {
  await using trap = await startTrap()
  await using authority = await startAuthority()
  for (const url of hostile(trap.port).filter((one) => !one.includes('private.'))) {
    authority.metadata = { token_endpoint: url }
    const client = { id: 'gateway', secret: new Secret('s') }
    const auth = { ...PERSONAL, client, reach: 'private' } as const
    await using opened = openVault({
      servers: { behind: { url: authority.url, auth } },
      rooms: { resolve },
    })
    const begun = await opened.vault.connecting.begin('behind', ada)
    const page = await opened.vault.connecting
      .authorize(begun?.id ?? '', person('ada'))
      .catch(() => undefined)
    if (page === undefined) continue
    const answer = await authority.consent(page)
    await assert.rejects(opened.vault.connecting.finish(answer, person('ada')))
    assert.equal(trap.knocks(), 0, url)
  }
})
