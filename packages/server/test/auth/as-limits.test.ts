// What nobody can use up: bodies, requests, and lines of the ledger.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { makePkce, openAs, post, register, authorizeUrl } from './as-house.ts'

test('a body that is larger than any request is not read', async () => {
  await using as = await openAs()
  const { status, json } = await post(`${as.issuer}/token`, {
    grant_type: 'client_credentials',
    client_assertion: 'x'.repeat(40_000),
  })
  assert.deepEqual([status, json['error']], [413, 'invalid_request'])
})

test('a body without a length ends where it is too large', async () => {
  await using as = await openAs()
  const status = await new Promise<number>((resolve, reject) => {
    const asked = request(
      `${as.issuer}/token`,
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      },
    )
    asked.on('error', reject)
    asked.write(`a=${'x'.repeat(100_000)}`)
    asked.end()
  })
  assert.equal(status, 400)
})

test('who asks without end is told when to come back, and others are not', async () => {
  // AS39
  let aheadMs = 0
  const world = { ...systemWorld, monotonic: () => aheadMs }
  await using as = await openAs({ world })
  const ask = () => post(`${as.issuer}/token`, { grant_type: 'password' })
  const answers = []
  for (let at = 0; at < 320; at++) answers.push(await ask())
  const limited = answers.filter(({ status }) => status === 429)
  assert.equal(limited.length, 20)
  assert.equal(limited[0]?.json['error'], 'temporarily_unavailable')
  assert.match(limited[0]?.headers.get('retry-after') ?? '', /^\d+$/)
  assert.equal((await fetch(`${as.issuer}/jwks`)).status, 200, 'what all read stays open')
  aheadMs += 10_000
  assert.equal((await ask()).status, 400)
})

test('refusals without end are counted, not told one by one', async () => {
  let aheadMs = 0
  const world = { ...systemWorld, monotonic: () => aheadMs }
  await using as = await openAs({ world })
  await register(as)
  const ask = () => post(`${as.issuer}/token`, { grant_type: 'refresh_token', client_id: 'nobody' })
  for (let at = 0; at < 100; at++) await ask()
  const refused = as.notes.filter(({ kind }) => kind === 'token.refused')
  assert.equal(refused.length, 60)
  aheadMs += 61_000
  await ask()
  const folded = as.notes.filter(({ body }) => 'more' in body)
  assert.deepEqual(
    folded.map(({ kind, body }) => [kind, body['more']]),
    [['token.refused', 40]],
  )
})

test('a request of many parameters is one that is refused, and nothing breaks', async () => {
  await using as = await openAs()
  await register(as)
  const url = authorizeUrl(as, makePkce(), { state: 's'.repeat(7_000) })
  const answer = await fetch(url, { redirect: 'manual' })
  assert.equal(answer.status, 303)
  const twice = await fetch(`${url}&client_id=other`, { redirect: 'manual' })
  assert.equal(twice.status, 400)
  assert.deepEqual(
    as.log.filter((line) => JSON.stringify(line).includes('failed')),
    [],
  )
})

test('behind a proxy each of those who ask is counted for themselves', async () => {
  const world = { ...systemWorld, monotonic: () => 0 }
  await using as = await openAs({ world, origin: 'https://mcp.example' })
  const ask = async (from: string): Promise<number> => {
    const headers = { 'x-forwarded-for': `203.0.113.9, ${from}` }
    const form = { grant_type: 'password' }
    return (await post(`${as.origin}/oauth/token`, form, headers)).status
  }
  for (let at = 0; at < 300; at++) await ask('198.51.100.1')
  assert.equal(await ask('198.51.100.1'), 429)
  assert.equal(await ask('198.51.100.2'), 400)
})

test('an address that is nobody’s breaks nothing', async () => {
  await using as = await openAs()
  await register(as)
  const at = async (path: string) => (await fetch(`${as.issuer}${path}`)).status
  assert.deepEqual([await at(''), await at('?x'), await at('/')], [404, 404, 404])
  // Parameters are for the beginning: here they make nobody's request that of a client.
  assert.equal(await at('/authorize/nothing?client_id=story-client'), 400)
})
