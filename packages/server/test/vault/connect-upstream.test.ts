// What is shown to a server behind us, and what happens when it says no.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startIssuer } from '../auth/fake-issuer.ts'
import { bearer } from '../auth/guarded-house.ts'
import { uncaught } from '../stories/house.ts'
import { ask, modern, type Wire } from '../stories/raw.ts'
import { serveLegacy } from '../upstream/peers/legacy-http.ts'
import { serveModern } from '../upstream/peers/modern-http.ts'
import { agree, openConnectHouse, personal, type ConnectHouse } from './connect-house.ts'
import { protect, type ProtectedPeer } from './connect-peer.ts'

after(() => assert.deepEqual(uncaught, []))

const ADD = { name: 'add', arguments: { a: 1, b: 2 } }
const call = async (home: ConnectHouse, params: Wire = ADD, view = 'cloud'): Promise<Wire> =>
  (await ask(home.at(view), modern('tools/call', { params }))).json.result

const textOf = (result: Wire): string => result.content[0].text
const pageIn = (result: Wire): string => /http\S+$/.exec(textOf(result).trim())?.[0] ?? ''

/** Calls, connects what has to be connected first, and calls again. */
async function connected(home: ConnectHouse, peer: ProtectedPeer): Promise<void> {
  await agree(home.browserOf(), peer.authority, pageIn(await call(home)))
  assert.equal(textOf(await call(home)), '3')
}

/** What was shown. Whoever knows nothing of a server yet knocks with empty hands, to be told. */
const tokensAt = ({ visits }: ProtectedPeer): ReadonlySet<string> =>
  new Set(visits.flatMap(({ shown }) => shown ?? []))

/** Calls of tools that came through the door. */
const letIn = ({ visits }: ProtectedPeer): number =>
  visits.filter(({ wasLetIn, headers }) => wasLetIn && headers['mcp-method'] === 'tools/call')
    .length

test('A token that the server no longer takes is renewed, and the call is made once.', async () => {
  await using peer = await protect(await serveModern())
  await using home = await openConnectHouse({ servers: { cloud: personal(peer.url) } })
  await connected(home, peer)
  const [before, from] = [letIn(peer), peer.visits.length]
  peer.authority.endAll()
  assert.equal(textOf(await call(home)), '3')
  assert.equal(letIn(peer) - before, 1)
  const visits = peer.visits.slice(from)
  assert.deepEqual(
    visits.map(({ wasLetIn }) => wasLetIn),
    [false, true],
  )
  assert.notEqual(visits[0]?.shown, visits[1]?.shown)
})

test('A connection that can be renewed no more asks for the page again, and nothing was executed.', async () => {
  await using peer = await protect(await serveModern())
  await using home = await openConnectHouse({ servers: { cloud: personal(peer.url) } })
  await connected(home, peer)
  const before = letIn(peer)
  peer.authority.endAll()
  peer.authority.error = 'invalid_grant'
  const refused = await call(home)
  assert.match(textOf(refused), /^Nothing was executed/)
  assert.doesNotMatch(textOf(refused), /hush/)
  assert.equal(letIn(peer), before)
  peer.authority.error = undefined
  await agree(home.browserOf(), peer.authority, pageIn(refused))
  assert.equal(textOf(await call(home)), '3')
})

test('A server that asks for more scopes is connected again with what it had and what it needs.', async () => {
  // OC14
  await using peer = await protect(await serveModern())
  const auth = { clientId: 'gateway', scopes: ['read'] }
  await using home = await openConnectHouse({ servers: { cloud: personal(peer.url, { auth }) } })
  await connected(home, peer)
  peer.needs = ['write']
  const refused = await call(home)
  assert.match(textOf(refused), /^Nothing was executed.*asks for more/)
  const page = await home.browserOf().open(pageIn(refused))
  assert.match(page.text, /write/)
  await agree(home.browserOf(), peer.authority, pageIn(refused))
  assert.equal(textOf(await call(home)), '3')
  const scopes = [...peer.access.values()].at(-1)?.scope.split(' ').toSorted()
  assert.deepEqual(scopes, ['read', 'write'])
})

test('A server that insists on no does not make us go round in circles.', async () => {
  await using peer = await protect(await serveModern())
  await using home = await openConnectHouse({ servers: { cloud: personal(peer.url) } })
  await connected(home, peer)
  peer.needs = ['never']
  const from = peer.visits.length
  await call(home)
  await call(home)
  assert.ok(peer.visits.length - from <= 6, String(peer.visits.length - from))
})

test('A bound token comes with a proof of its own each time, and with the nonce that is wanted.', async () => {
  // DP1
  await using peer = await protect(await serveModern())
  peer.nonce = 'first'
  const auth = { clientId: 'gateway', dpop: 'required' }
  await using home = await openConnectHouse({ servers: { cloud: personal(peer.url, { auth }) } })
  await connected(home, peer)
  const from = peer.visits.length
  assert.equal(textOf(await call(home)), '3')
  // It knew the nonce, so there was nothing to try twice.
  assert.deepEqual(
    peer.visits.slice(from).map(({ wasLetIn }) => wasLetIn),
    [true],
  )
  peer.nonce = 'second'
  assert.equal(textOf(await call(home)), '3')
  const shown = peer.visits.slice(from).map(({ headers }) => headers['dpop'])
  assert.equal(new Set(shown).size, shown.length)
  for (const authorization of tokensAt(peer)) assert.match(authorization, /^DPoP at-/)
})

test('A legacy server is shown the credential with its stream and its farewell too.', async () => {
  // RS10 of its own.
  await using peer = await protect(await serveLegacy())
  const home = await openConnectHouse({ servers: { cloud: personal(peer.url) } })
  try {
    await connected(home, peer)
  } finally {
    await home[Symbol.asyncDispose]()
  }
  const methods = new Set(peer.visits.map(({ method }) => method))
  assert.ok(methods.has('DELETE'), [...methods].join())
  assert.ok(peer.visits.every(({ wasLetIn, shown }) => wasLetIn || shown === undefined))
})

test('A service shows its own credential, which nobody has to connect.', async () => {
  await using peer = await protect(await serveModern())
  const auth = { grant: 'client_credentials', clientId: 'gateway', clientSecret: '${CLOUD}' }
  process.env['CLOUD'] = 's3cret'
  await using home = await openConnectHouse({ servers: { cloud: personal(peer.url, { auth }) } })
  assert.equal(textOf(await call(home)), '3')
  assert.equal(peer.authority.asked[0]?.basic, `Basic ${btoa('gateway:s3cret')}`)
  assert.equal(tokensAt(peer).size, 1)
  delete process.env['CLOUD']
})

test('A service that an operator has to connect says so, and sends nobody to a page.', async () => {
  await using peer = await protect(await serveModern())
  await using issuer = await startIssuer()
  const auth = { per: 'service', clientId: 'gateway' }
  const servers = { cloud: personal(peer.url, { auth }) }
  await using home = await openConnectHouse({ issuer, servers })
  const claims = { aud: home.at('cloud').href, scope: 'mcp:discover cloud:admin' }
  const headers = bearer(await issuer.mint({ claims }))
  const { json } = await ask(home.at('cloud'), modern('tools/call', { params: ADD, headers }))
  assert.match(textOf(json.result), /^Nothing was executed.*countersign connect cloud/)
  assert.doesNotMatch(textOf(json.result), /http/)
})

test('A program that we start sees what its env declares, whatever is shown to others.', async () => {
  // OC28
  await using peer = await protect(await serveModern())
  process.env['CLOUD'] = 's3cret'
  const program = fileURLToPath(new URL('../upstream/peers/legacy-stdio.ts', import.meta.url))
  const auth = { grant: 'client_credentials', clientId: 'gateway', clientSecret: '${CLOUD}' }
  await using home = await openConnectHouse({
    servers: {
      cloud: personal(peer.url, { auth }),
      local: { command: process.execPath, args: [program], env: { DECLARED: 'yes' } },
    },
  })
  assert.equal(textOf(await call(home)), '3')
  const said = await call(home, { name: 'environment', arguments: {} }, 'local')
  const environment: Wire = JSON.parse(textOf(said))
  assert.equal(environment.DECLARED, 'yes')
  const everything = JSON.stringify(environment)
  for (const secret of ['s3cret', ...peer.access.keys()]) assert.ok(!everything.includes(secret))
  assert.ok(!('CLOUD' in environment))
  delete process.env['CLOUD']
})
