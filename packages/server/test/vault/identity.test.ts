// Who somebody is to the company, all the way: signed in through its provider, consented, and known to
// a server behind us that trusts the same provider. No token is passed on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { systemWorld } from '#base'
import { PROVIDER_CLIENT, startProvider } from '../auth/fake-provider.ts'
import { bearer, send } from '../auth/guarded-house.ts'
import { openPeopleHouse } from '../auth/people-house.ts'
import { modern } from '../stories/raw.ts'
import { serveModern } from '../upstream/peers/modern-http.ts'
import { protect } from './connect-peer.ts'

test('What the provider says of a person is exchanged at a server that trusts it too (OC24).', async () => {
  await using provider = await startProvider()
  await using peer = await protect(await serveModern())
  const world = {
    ...systemWorld,
    env: (name: string) => (name === 'BEHIND' ? 's' : systemWorld.env(name)),
  }
  const auth = {
    grant: 'token_exchange',
    clientId: 'gateway',
    clientSecret: '${BEHIND}',
    issuer: peer.authority.issuer,
  }
  await using house = await openPeopleHouse({
    auth: { signIn: { issuer: provider.issuer, name: 'Example SSO', ...PROVIDER_CLIENT } },
    servers: { behind: { url: peer.url, auth, tools: { add: { effect: 'read' } } } },
    world,
  })
  const browser = house.browser()
  const resource = house.guarded.audience('behind')
  const scope = 'mcp:discover behind:read'
  const page = await browser.open(house.authorize({ scope, resource }))
  const away = await page.submit({ how: 'provider' })
  const { headers } = await fetch(away.url, { redirect: 'manual' })
  const consent = await browser.open(headers.get('location') ?? '')
  const back = await consent.submit({}, 'allow')
  const { json } = await house.redeem({ ...house.codeIn(back.url), resource })
  const token = String(json['access_token'])

  const asked = modern('tools/call', {
    params: { name: 'add', arguments: { a: 1, b: 2 } },
    headers: bearer(token),
  })
  const answer = await send(house.guarded, asked, 'behind')
  assert.equal(answer.json.result?.content[0]?.text, '3', answer.text)
  const [first] = peer.authority.asked
  const statement = decodeJwt(String(first?.form['subject_token']))
  assert.equal(statement.iss, provider.issuer)
  assert.equal(statement.aud, PROVIDER_CLIENT.clientId)
  assert.equal(first?.form['resource'], peer.url)
  assert.ok(!JSON.stringify(peer.authority.asked).includes(token))
  assert.ok(peer.visits.every(({ shown }) => shown?.includes(token) !== true))
})
