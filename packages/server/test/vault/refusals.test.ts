// What happens after a server says no: more scopes, a proof, a nonce, or an end of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@countersign/contract'
import { Secret, systemWorld } from '#base'
import type { OpenVault, Refusal, Shown } from '#vault'
import { startAuthority, type Authority } from './fake-authority.ts'
import { connect, openVault, PERSONAL, somebody } from './open-vault.ts'

const ada = somebody('ada')

const refusalOf = (answer: Response): Refusal => ({
  status: answer.status as 401,
  challenges: [answer.headers.get('www-authenticate') ?? ''],
  nonce: answer.headers.get('dpop-nonce') ?? undefined,
})

async function tried(vault: OpenVault, authority: Authority): Promise<[Shown, Response]> {
  const shown = await vault.show('behind', ada, { method: 'POST', url: authority.url })
  return [shown, await authority.call(shown.headers)]
}

test('What a challenge asks for beside what was asked for before is asked for at once (OC13, OC14).', async () => {
  await using authority = await startAuthority({ challenge: ', scope="read"', needs: ['read'] })
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  const first = new URL(await connect(opened.vault, authority, ada))
  assert.equal(first.searchParams.get('scope'), 'read')
  authority.needs = ['write']
  const [shown, answer] = await tried(opened.vault, authority)
  assert.equal(answer.status, 403)
  const thrown: unknown = await opened.vault
    .refused('behind', ada, shown, refusalOf(answer))
    .catch((fault: unknown) => fault)
  assert.ok(thrown instanceof Fault && thrown.code === 'upstream/unconnected')
  assert.deepEqual(thrown.data, { server: 'behind', scopes: ['read', 'write'] })
  const second = new URL(await connect(opened.vault, authority, ada))
  assert.equal(second.searchParams.get('scope'), 'read write')
  assert.equal((await tried(opened.vault, authority))[1].status, 200)
})

test('A server that is never content is asked three times, and then not any more.', async () => {
  const NEVER = {
    status: 403,
    challenges: ['Bearer error="insufficient_scope", scope="never"'],
    nonce: undefined,
  } as const
  await using authority = await startAuthority()
  const client = { id: 'gateway', secret: new Secret('s') }
  const auth = { per: 'service', grant: 'client_credentials', client } as const
  await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
  const worths: boolean[] = []
  for (let round = 0; round < 6; round++) {
    const shown = await opened.vault.show('behind', ada, { method: 'POST', url: authority.url })
    worths.push(await opened.vault.refused('behind', ada, shown, NEVER))
  }
  assert.deepEqual(worths, [true, true, true, false, false, false])
})

test('A refusal that is not about scopes is the answer, whatever its status.', async () => {
  await using authority = await startAuthority()
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  const [shown] = await tried(opened.vault, authority)
  const { length } = authority.asked
  const refusal = { status: 403, challenges: [], nonce: undefined } as const
  assert.equal(await opened.vault.refused('behind', ada, shown, refusal), false)
  // Nor is one that belongs to another server.
  const unknown = { headers: {}, credential: '' }
  assert.equal(await opened.vault.refused('behind', ada, unknown, refusal), false)
  assert.equal(authority.asked.length, length)
})

test('An issuer whose fresh tokens are refused is not asked for ever.', async () => {
  await using authority = await startAuthority()
  const client = { id: 'gateway', secret: new Secret('s') }
  const auth = { per: 'service', grant: 'client_credentials', client } as const
  await using opened = openVault({ servers: { behind: { url: authority.url, auth } } })
  const worths: boolean[] = []
  for (let round = 0; round < 5; round++) {
    const [shown] = await tried(opened.vault, authority)
    authority.endAll()
    worths.push(
      await opened.vault.refused('behind', ada, shown, refusalOf(await authority.call({}))),
    )
  }
  assert.deepEqual(worths, [true, true, true, false, false])
})

test('Tokens are bound to a key where the server asks for it, with the nonces of both (DP1).', async () => {
  await using authority = await startAuthority({ needsNonce: true })
  authority.resource = { dpop_bound_access_tokens_required: true }
  const servers = { behind: { url: authority.url, auth: PERSONAL } }
  await using opened = openVault({ servers })
  await connect(opened.vault, authority, ada)
  const [shown, answer] = await tried(opened.vault, authority)
  assert.match(shown.headers['authorization'] ?? '', /^DPoP /)
  assert.equal(answer.status, 200)
  const claims = (proof: string | undefined) =>
    JSON.parse(Buffer.from((proof ?? '').split('.')[1] ?? '', 'base64url').toString())
  const proofs = [shown, (await tried(opened.vault, authority))[0]].map(({ headers }) =>
    claims(headers['dpop']),
  )
  assert.notEqual(proofs[0].jti, proofs[1].jti)
  assert.equal(proofs[0].htu, authority.url)
  assert.ok(proofs[0].ath)
  // The server wants a nonce: another proof, the same token.
  const wanted = {
    status: 401,
    challenges: ['DPoP error="use_dpop_nonce"'],
    nonce: 'rs-nonce',
  } as const
  assert.equal(await opened.vault.refused('behind', ada, shown, wanted), true)
  const [again] = await tried(opened.vault, authority)
  assert.equal(claims(again.headers['dpop']).nonce, 'rs-nonce')
  assert.equal(again.credential, shown.credential)
  opened.vault.heardNonce(again, 'rs-nonce-2')
  assert.equal(
    claims((await tried(opened.vault, authority))[0].headers['dpop']).nonce,
    'rs-nonce-2',
  )
  // The key outlives the process, and the refresh proves it again.
  const node = opened.another()
  opened.pass(290_000)
  const renewed = await node.show('behind', ada, { method: 'POST', url: authority.url })
  assert.equal((await authority.call(renewed.headers)).status, 200)
})

test('A statement about the person is exchanged, never the token that the caller showed (OC16, OC24).', async () => {
  for (const grant of ['token_exchange', 'id_jag'] as const) {
    await using authority = await startAuthority()
    const client = { id: 'gateway', secret: new Secret('s') }
    const identityProvider = { issuer: authority.issuer, clientId: 'gateway-at-idp' }
    const auth = {
      per: 'principal',
      grant,
      client,
      ...(grant === 'id_jag' ? { identityProvider } : {}),
    } as const
    const identities = {
      of: async ({ id }: { id: string }) =>
        id === 'ada' ? new Secret('id-token-of-ada') : undefined,
      keep: async () => undefined,
    }
    const servers = { behind: { url: authority.url, auth } }
    await using opened = openVault({ servers, rooms: { identities, world: systemWorld } })
    const bob = opened.vault.show('behind', somebody('bob'), { method: 'POST', url: authority.url })
    await assert.rejects(bob, { code: 'upstream/unconnected' })
    assert.equal((await tried(opened.vault, authority))[1].status, 200)
    const [first = {}, second = {}] = authority.asked.map(({ form }) => form)
    assert.equal(first['subject_token'], 'id-token-of-ada')
    assert.equal(first['resource'], authority.url)
    if (grant === 'id_jag') {
      assert.equal(first['audience'], authority.issuer)
      assert.equal(second['assertion'], 'jag-of-ada')
      assert.equal(second['resource'], authority.url)
    }
    assert.ok(!JSON.stringify(authority.asked).includes(ada.proof === 'bearer' ? ada.tokenId : '?'))
  }
})
