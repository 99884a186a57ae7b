// Somebody connects an account: who may, what is asked, and whose answer is believed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@countersign/contract'
import { Secret } from '#base'
import { ownClientAt, ownDocument, CLIENT_PATH, PUBLIC_CLIENT_PATH } from '#vault'
import { startAuthority } from './fake-authority.ts'
import { connect, openVault, person, PERSONAL, somebody } from './open-vault.ts'

const [ada, bob] = [somebody('ada'), somebody('bob')]
const request = (url: string) => ({ method: 'POST', url })

async function begun(opened: ReturnType<typeof openVault>, who = ada): Promise<string> {
  const made = await opened.vault.connecting.begin('behind', who)
  assert.ok(made)
  return made.id
}

const code = (expected: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof Fault)
  assert.equal(thrown.code, expected)
  return true
}

test('What is asked: PKCE with S256, the exact resource, a state that nobody could guess.', async () => {
  await using authority = await startAuthority({ resource: { scopes_supported: ['read'] } })
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  const url = new URL(await opened.vault.connecting.authorize(await begun(opened), person('ada')))
  const asked = Object.fromEntries(url.searchParams)
  assert.equal(asked['response_type'], 'code')
  assert.equal(asked['code_challenge_method'], 'S256')
  assert.equal(asked['resource'], authority.url)
  assert.equal(asked['scope'], 'read')
  assert.equal(Buffer.from(asked['state'] ?? '', 'base64url').length, 32)
  // OC20: the address that clients pass around names nobody.
  assert.doesNotMatch(await begun(opened), /ada|behind/)
})

test('Only who asked for it connects it, and another cannot use it up (OC20, OC21).', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  const { connecting } = opened.vault
  const id = await begun(opened)
  await assert.rejects(connecting.authorize(id, person('bob')), code('http/forbidden'))
  const answer = await authority.consent(await connecting.authorize(id, person('ada')))
  await assert.rejects(connecting.finish(answer, person('bob')), code('http/forbidden'))
  await connecting.finish(answer, person('ada'))
  await assert.rejects(opened.vault.show('behind', bob, request(authority.url)))
})

test('A state is good once, and for ten minutes (OC12, AS25).', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  const { connecting } = opened.vault
  const late = await authority.consent(
    await connecting.authorize(await begun(opened), person('ada')),
  )
  opened.pass(10 * 60_000 + 1)
  await assert.rejects(connecting.finish(late, person('ada')), code('http/not-found'))
  const answer = await authority.consent(
    await connecting.authorize(await begun(opened), person('ada')),
  )
  const forged = new URLSearchParams({ ...Object.fromEntries(answer), state: 'guessed' })
  await assert.rejects(connecting.finish(forged, person('ada')), code('http/not-found'))
  const both = await Promise.allSettled([1, 2].map(() => connecting.finish(answer, person('ada'))))
  assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
  await assert.rejects(connecting.finish(answer, person('ada')), code('http/not-found'))
})

/** OC11: what the metadata says, what came, and whether it is believed. */
const ISSUERS = [
  { says: true, iss: undefined, isTaken: true },
  { says: true, iss: null, isTaken: false },
  { says: true, iss: 'https://evil.example', isTaken: false },
  { says: false, iss: undefined, isTaken: true },
  { says: false, iss: null, isTaken: true },
  { says: false, iss: 'https://evil.example', isTaken: false },
] as const

for (const { says, iss, isTaken } of ISSUERS) {
  const told = iss === undefined ? 'itself' : iss === null ? 'nobody' : 'another'
  const kind = says ? 'promises to name itself' : 'promises nothing'
  test(`An issuer that ${kind}, and an answer that names ${told}: ${isTaken ? 'taken' : 'refused'}.`, async () => {
    const metadata = { authorization_response_iss_parameter_supported: says }
    await using authority = await startAuthority({ metadata })
    const servers = { behind: { url: authority.url, auth: PERSONAL } }
    await using opened = openVault({ servers })
    const { connecting } = opened.vault
    const page = await connecting.authorize(await begun(opened), person('ada'))
    const finished = connecting.finish(await authority.consent(page, iss), person('ada'))
    if (isTaken) await finished
    else await assert.rejects(finished, code('http/forbidden'))
    // Before that, the code went nowhere.
    assert.equal(authority.asked.length, isTaken ? 1 : 0)
  })
}

test('A slash more is another issuer: texts are compared as they are (OC11).', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  const { connecting } = opened.vault
  const page = await connecting.authorize(await begun(opened), person('ada'))
  const answer = await authority.consent(page, `${authority.issuer}/`)
  await assert.rejects(connecting.finish(answer, person('ada')), code('http/forbidden'))
})

test('What an error says is never repeated, and on a mismatch not even its code (OC26).', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  const { connecting } = opened.vault
  const answer = async (iss: string) => {
    const page = new URL(await connecting.authorize(await begun(opened), person('ada')))
    const state = page.searchParams.get('state') ?? ''
    const said = { error: 'access_denied', error_description: 'Call 555-EVIL' }
    return connecting.finish(new URLSearchParams({ ...said, state, iss }), person('ada'))
  }
  await assert.rejects(answer(authority.issuer), (thrown: Error) => {
    assert.match(thrown.message, /was not allowed/)
    assert.doesNotMatch(thrown.message, /EVIL/)
    return code('upstream/unconnected')(thrown)
  })
  await assert.rejects(answer('https://evil.example'), (thrown: Error) => {
    assert.doesNotMatch(thrown.message, /EVIL|denied|allowed/)
    return code('http/forbidden')(thrown)
  })
})

test('An authorization server that does not say S256 is not used (OC9).', async () => {
  for (const methods of [undefined, [], ['plain']]) {
    await using authority = await startAuthority({
      metadata: { code_challenge_methods_supported: methods },
    })
    const servers = { behind: { url: authority.url, auth: PERSONAL } }
    await using opened = openVault({ servers })
    const id = await begun(opened)
    await assert.rejects(
      opened.vault.connecting.authorize(id, person('ada')),
      code('upstream/unavailable'),
    )
    assert.equal(authority.registrations.length, 0)
  }
})

test('Of several authorization servers the one that can be used is used, or the one that was set.', async () => {
  await using good = await startAuthority()
  await using plain = await startAuthority({
    metadata: { code_challenge_methods_supported: undefined },
  })
  await using front = await startAuthority()
  front.resource = { authorization_servers: [plain.issuer, good.issuer] }
  const at = async (issuer?: string) => {
    const auth = { ...PERSONAL, ...(issuer === undefined ? {} : { issuer }) }
    await using opened = openVault({ servers: { behind: { url: front.url, auth } } })
    const id = await begun(opened)
    return new URL(await opened.vault.connecting.authorize(id, person('ada'))).origin
  }
  assert.equal(await at(), new URL(good.issuer).origin)
  await assert.rejects(at(plain.issuer), code('upstream/unavailable'))
  // OC5: one that is set and not named any more is an error, not a reason to follow.
  await assert.rejects(at('https://elsewhere.example'), code('upstream/unavailable'))
})

test('A server that names no authorization server is not its own, unless that is set.', async () => {
  await using authority = await startAuthority()
  authority.resource = undefined
  for (const originIssues of [false, true]) {
    const auth = { ...PERSONAL, originIssues }
    await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
    const id = await begun(opened)
    // The origin does not describe itself there either: what differs is whether it was asked.
    await assert.rejects(opened.vault.connecting.authorize(id, person('ada')), (thrown: Error) => {
      assert.equal(/names no authorization server/.test(thrown.message), !originIssues)
      return true
    })
  }
})

test('What calls itself otherwise is another server, unless its name was set (OC2, CO9).', async () => {
  await using authority = await startAuthority()
  const named = 'https://api.example/mcp'
  authority.resource = { resource: named }
  for (const resource of [undefined, named]) {
    const auth = { ...PERSONAL, ...(resource === undefined ? {} : { resource }) }
    await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
    const page = opened.vault.connecting.authorize(await begun(opened), person('ada'))
    if (resource === undefined) await assert.rejects(page, code('upstream/unavailable'))
    else assert.equal(new URL(await page).searchParams.get('resource'), named)
  }
})

test('A browser is sent to pages on the web only (OC18).', async () => {
  for (const authorization_endpoint of ['javascript:alert(1)', 'http://public.example/a']) {
    await using authority = await startAuthority({ metadata: { authorization_endpoint } })
    const servers = { behind: { url: authority.url, auth: PERSONAL } }
    await using opened = openVault({ servers })
    const id = await begun(opened)
    await assert.rejects(opened.vault.connecting.authorize(id, person('ada')))
  }
})

test('We are who was registered, else our document, else who we register as, else it is said (OC6).', async () => {
  const origin = 'https://gateway.example'
  const own = ownClientAt(origin)
  const clientAt = async (metadata: object, auth: object = {}) => {
    await using authority = await startAuthority({ metadata: { ...metadata } })
    const servers = { behind: { url: authority.url, auth: { ...PERSONAL, ...auth } } }
    await using opened = openVault({ servers, origin })
    const page = await opened.vault.connecting.authorize(await begun(opened), person('ada'))
    const [registration] = authority.registrations
    return { id: new URL(page).searchParams.get('client_id'), registration }
  }
  const knowsDocuments = { client_id_metadata_document_supported: true }
  const client = { id: 'known', secret: new Secret('s') }
  assert.equal((await clientAt(knowsDocuments, { client })).id, 'known')
  assert.equal((await clientAt(knowsDocuments)).id, own.publicDocumentUrl)
  const keyed = { token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'] }
  assert.equal((await clientAt({ ...knowsDocuments, ...keyed })).id, own.documentUrl)
  const { registration } = await clientAt({})
  // OC8, OC17: what kind of client it is, and that it can refresh.
  assert.equal(registration?.['application_type'], 'web')
  assert.deepEqual(registration['grant_types'], ['authorization_code', 'refresh_token'])
  await assert.rejects(clientAt({ registration_endpoint: undefined }), code('upstream/unavailable'))
  await assert.rejects(clientAt({}, { registration: false }), code('upstream/unavailable'))
})

test('Our documents name themselves, and one of them our key (OC7).', async () => {
  const origin = 'https://gateway.example'
  for (const path of [CLIENT_PATH, PUBLIC_CLIENT_PATH]) {
    const document = ownDocument(origin, path)
    assert.equal(document?.['client_id'], `${origin}${path}`)
    assert.ok(document['client_name'])
    assert.deepEqual(document['redirect_uris'], [ownClientAt(origin).redirectUrl])
  }
  await using opened = openVault({ servers: {} })
  const { keys } = (await opened.vault.ownKey.published()) as {
    keys: { d?: string; kid: string }[]
  }
  assert.equal(keys[0]?.d, undefined)
  // The same on every node.
  const other = (await opened.another().ownKey.published()) as typeof keys extends never
    ? never
    : { keys: { kid: string }[] }
  assert.equal(other.keys[0]?.kid, keys[0]?.kid)
})

test('A server that moves to another authorization server is followed with nothing of the old one (OC5).', async () => {
  await using first = await startAuthority()
  await using second = await startAuthority()
  const servers = { behind: { url: first.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, first, ada)
  const shown = await opened.vault.show('behind', ada, request(first.url))
  first.resource = { authorization_servers: [second.issuer] }
  first.endAll()
  const refusal = {
    status: 401,
    challenges: ['Bearer error="invalid_token"'],
    nonce: undefined,
  } as const
  await assert.rejects(
    opened.vault.refused('behind', ada, shown, refusal),
    code('upstream/unconnected'),
  )
  await connect(opened.vault, second, ada)
  assert.equal(second.registrations.length, 1)
  const said = JSON.stringify(second.asked)
  assert.ok(!said.includes(String(first.registrations[0]?.['client_id'])))
  assert.equal((await opened.vault.connections()).length, 1)
})

test('A client that was registered for one authorization server is shown to no other (OC5).', async () => {
  await using first = await startAuthority()
  await using second = await startAuthority()
  const client = { id: 'known', secret: new Secret('s3cret') }
  const servers = { behind: { url: first.url, auth: { ...PERSONAL, client } } }
  await using opened = openVault({ servers })
  await connect(opened.vault, first, ada)
  first.resource = { authorization_servers: [second.issuer] }
  await assert.rejects(connect(opened.vault, second, bob), code('upstream/unavailable'))
  assert.equal(second.asked.length, 0)
})

test('The one credential of the house is connected by an operator, and then shown for all.', async () => {
  await using authority = await startAuthority()
  const auth = { ...PERSONAL, per: 'service' } as const
  await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
  const { connecting } = opened.vault
  assert.equal(await connecting.begin('behind', ada), undefined)
  const { id } = await connecting.beginFor('behind', undefined)
  const answer = await authority.consent(await connecting.authorize(id, person('root')))
  assert.equal((await connecting.finish(answer, person('root'))).principal, undefined)
  const shown = await opened.vault.show('behind', bob, request(authority.url))
  assert.equal((await authority.call(shown.headers)).status, 200)
})
