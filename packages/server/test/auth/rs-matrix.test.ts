// The whole of the resource server as one table: what is shown, and what is answered to it. Each row
// differs in one thing from a request that is let in.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { ask, type Answer } from '../stories/raw.ts'
import { makeKey, startIssuer } from './fake-issuer.ts'
import { challenged, openGuarded, proofMaker, scopesIn } from './guarded-house.ts'
import { PROOFS, SCOPES, SHOWN } from './rs-matrix-requests.ts'
import { AUDIENCES, KEYS, KINDS, TIMES } from './rs-matrix-tokens.ts'
import { bench, bound, call, unproven, type Expected, type Shown } from './rs-matrix.ts'

before(async () => {
  const [issuer, stranger, bindsOnly] = await Promise.all([
    startIssuer(),
    startIssuer(),
    startIssuer(),
  ])
  const key = await makeKey()
  const house = await openGuarded({
    auth: {
      issuers: [
        { issuer: issuer.issuer, algorithms: ['ES256'] },
        { issuer: bindsOnly.issuer, dpop: 'required' },
      ],
    },
  })
  const maker = proofMaker(key, house.audience('peer'))
  Object.assign(bench, { issuer, stranger, bindsOnly, house, key, maker, jkt: await maker.jkt() })
})
after(async () => {
  await bench.house[Symbol.asyncDispose]()
  for (const one of [bench.issuer, bench.stranger, bench.bindsOnly])
    await one[Symbol.asyncDispose]()
})

async function answerTo(change: Partial<Shown>): Promise<Answer> {
  const usually = { view: 'peer', method: 'POST', query: '', by: bench.issuer, body: call('echo') }
  const { view, method, query, by, body, header, key } = { ...usually, ...change }
  const usual = { aud: bench.house.audience('peer'), scope: 'peer:admin' }
  const token = await by.mint({
    claims: { ...usual, jti: randomUUID(), ...change.claims },
    ...(header ? { header } : {}),
    ...(key ? { key } : {}),
  })
  const authorization = change.authorization ? change.authorization(token) : `Bearer ${token}`
  const dpop = await change.proof?.(token)
  const headers = {
    ...body.headers,
    ...(authorization === undefined ? {} : { authorization }),
    ...(dpop === undefined ? {} : { dpop }),
  }
  const url = new URL(`${bench.house.audience(view)}${query}`)
  return ask(url, {
    method,
    headers: headers as never,
    ...(method === 'POST' ? { body: body.body ?? '' } : {}),
  })
}

function isAsExpected(answer: Answer, { status, error, says, scope, scheme }: Expected): void {
  const told = challenged(answer)
  assert.equal(answer.status, status, `${answer.text} ${told}`)
  if (scheme === undefined) return assert.equal(told, '')
  assert.ok(told.startsWith(`${scheme} `), told)
  assert.equal(/error="([^"]+)"/.exec(told)?.[1], error)
  assert.ok(told.includes('resource_metadata="http://127.0.0.1:'), told)
  if (says) assert.match(/error_description="([^"]+)"/.exec(told)?.[1] ?? '', says)
  if (scope) assert.deepEqual(scopesIn(answer), scope)
  assert.equal(answer.headers['cache-control'], 'no-store')
  // SC1: nothing of a stream was begun.
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  if (status === 401 || status === 403) assert.ok(told.includes('DPoP '), told)
}

const TABLE = { AUDIENCES, KINDS, KEYS, TIMES, SCOPES, SHOWN, PROOFS }
for (const [part, rows] of Object.entries(TABLE)) {
  describe(`a token (${part.toLowerCase()})`, () => {
    for (const [name, ids, change, expected] of rows) {
      it(`${name}: ${expected.status} ${expected.error ?? ''} (${ids})`, async () => {
        isAsExpected(await answerTo(await change()), expected)
      })
    }
  })
}

describe('one proof', () => {
  it('shown by thirty-two at once, each for itself, lets in exactly one', async () => {
    // DP5
    const token = await bench.issuer.mint({
      claims: { aud: bench.house.audience('peer'), scope: 'peer:read', cnf: { jkt: bench.jkt } },
    })
    const dpop = await bench.maker.prove({ token })
    const headers = { authorization: `DPoP ${token}`, dpop }
    const racers = Array.from({ length: 32 }, () => ({
      ...call('echo'),
      headers: { ...call('echo').headers, ...headers },
    }))
    const answers = await Promise.all(racers.map((one) => ask(bench.house.at('peer'), one)))
    const [winners, losers] = [
      answers.filter(({ status }) => status === 200),
      answers.filter(({ status }) => status !== 200),
    ]
    assert.equal(winners.length, 1)
    for (const answer of losers) isAsExpected(answer, unproven(/used before/))
  })

  it('is used up for its own key alone', async () => {
    // DP5
    const other = await makeKey()
    const theirs = proofMaker(other, bench.house.audience('peer'))
    for (const [by, bindsTo] of [
      [bench.maker, bench.jkt],
      [theirs, await theirs.jkt()],
    ] as const) {
      const answer = await answerTo({
        ...bound({ jti: 'the same' }, {}, () => by)(),
        claims: { cnf: { jkt: bindsTo } },
      })
      assert.equal(answer.status, 200)
    }
  })
})
