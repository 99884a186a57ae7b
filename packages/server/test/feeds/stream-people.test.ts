// EV-006: people watch with their own token, and see what is theirs; readers see everything.

import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { startIssuer, type FakeIssuer } from '../auth/fake-issuer.ts'
import { listen, openFeedHouse, PUBLIC, type FeedHouse, type Said } from './feed-house.ts'

let issuer: FakeIssuer
let at: FeedHouse
before(async () => {
  issuer = await startIssuer()
  at = await openFeedHouse({
    auth: { issuers: [{ issuer: issuer.issuer }] },
    groups: { watchers: [`${issuer.issuer}#wendy`] },
    events: { readers: ['watchers'] },
  })
})
after(async () => {
  await at[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

const tokenOf = (sub: string, path = '', claims: object = {}): Promise<string> =>
  issuer.mint({ claims: { sub, aud: `${PUBLIC}/mcp${path}`, scope: 'cabinet:admin', ...claims } })
const calledBy = async (sub: string): Promise<string> =>
  at.call('read_note', { path: sub }, await tokenOf(sub, '/cabinet'))
const watching = async (token: string, query = '?after=0') =>
  listen(`${at.origin}/admin/events${query}`, { authorization: `Bearer ${token}` })

/** Of whom each entry is, once an entry of all is there to end with. */
async function seenBy(sub: string, count: number): Promise<readonly Said[]> {
  using reader = await watching(await tokenOf(sub))
  return reader.take(count)
}

it('sees the calls of their own, and no others', async () => {
  await calledBy('ada')
  await calledBy('bob')
  await calledBy('ada')
  await calledBy('bob')
  const ofAda = await seenBy('ada', 4)
  const calls = new Set(
    (await at.house.ledger.read({ after: 0 }))
      .filter(({ body }) => body['principal'] === `${issuer.issuer}#ada`)
      .map(({ call }) => call),
  )
  assert.equal(calls.size, 2)
  for (const { data } of ofAda) assert.ok(calls.has(data.call), JSON.stringify(data))
  const kinds = ofAda.map(({ data }) => data.kind)
  assert.deepEqual(kinds, ['call.opened', 'call.closed', 'call.opened', 'call.closed'])
  // Asking for somebody else's by name shows nothing either: the first that is seen is a later one.
  const ada = await tokenOf('ada', '', { jti: 'nosy' })
  const bob = encodeURIComponent(`${issuer.issuer}#bob`)
  using others = await watching(ada, `?after=0&principal=${bob}`)
  using own = await watching(ada, '?kinds=call.*')
  await calledBy('ada')
  await own.take(2)
  await at.house.admin.revoke({ token: 'nosy' })
  assert.deepEqual(
    (await others.rest()).map(({ name }) => name),
    ['end'],
  )
})

it('of a group that reads sees all', async () => {
  await calledBy('ada')
  await calledBy('bob')
  using reader = await watching(await tokenOf('wendy'), '?after=0&kinds=call.opened')
  const seen = await reader.take(2)
  assert.ok(seen.every(({ data }) => data.body.principal !== `${issuer.issuer}#wendy`))
})

it('is not let in with what was made for another view, or is over', async () => {
  for (const token of [
    await tokenOf('ada', '/cabinet'),
    await tokenOf('ada', '', { exp: Math.floor(Date.now() / 1_000) - 3_600 }),
  ]) {
    using reader = await watching(token)
    assert.equal(reader.response.statusCode, 401)
    assert.match(String(reader.response.headers['www-authenticate']), /invalid_token/)
  }
})

it('is let go of once the token is revoked', async () => {
  const token = await tokenOf('ada', '', { jti: 'watch' })
  using reader = await watching(token, '')
  await calledBy('ada')
  await reader.take(2)
  await at.house.admin.revoke({ token: 'watch' })
  const rest = await reader.rest()
  assert.deepEqual([rest.at(-1)?.name, rest.at(-1)?.data.reason], ['end', 'expired'])
})

it('takes some places and no more: others find one', async () => {
  const readers = await Promise.all(
    Array.from({ length: 11 }, async () => watching(await tokenOf('greedy'), '')),
  )
  const codes = readers.map(({ response }) => response.statusCode)
  assert.deepEqual(
    [codes.filter((one) => one === 200).length, codes.filter((one) => one === 429).length],
    [10, 1],
  )
  using other = await watching(await tokenOf('bob'), '')
  assert.equal(other.response.statusCode, 200)
  for (const reader of readers) reader[Symbol.dispose]()
})

it('sees the approvals of their own calls', async () => {
  await at.call('delete_note', { path: 'x' }, await tokenOf('carol', '/cabinet'))
  using mine = await watching(await tokenOf('carol'), '?after=0&kinds=approval.*')
  const [asked] = await mine.take(1)
  assert.equal(asked?.data.kind, 'approval.asked')
  assert.equal(asked?.data.body.bound.principal, `${issuer.issuer}#carol`)
})
