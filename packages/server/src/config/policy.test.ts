import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './parse-config.ts'

const read = (policy: object) =>
  parseConfig({
    world: { env: () => undefined },
    text: JSON.stringify({ policy }),
    path: '/etc/countersign/countersign.json',
  }).policy

test('without a section there are no policies', () => {
  const config = parseConfig({ world: { env: () => undefined }, text: '{}', path: '/x.json' })
  assert.equal(config.policy, undefined)
})

test('the folder starts from the file, hours are UTC, groups have members, people a day', () => {
  const { approvals, ...rest } = read({ folder: 'policies', groups: { sre: ['local'] } }) ?? {}
  assert.deepEqual(rest, {
    folder: '/etc/countersign/policies',
    source: 'folder',
    timeZone: 'UTC',
    groups: { sre: ['local'] },
  })
  assert.equal(approvals?.ttlMs, 86_400_000)
  const shorter = read({ folder: 'p', approvals: { ttl: '2 h' } })
  assert.equal(shorter?.approvals.ttlMs, 7_200_000)
  assert.throws(() => read({ folder: 'p', approvals: { ttl: '8 d' } }), /policy\.approvals\.ttl/)
})

test('a zone that does not exist and a group without a name are mistakes', () => {
  assert.throws(
    () => read({ folder: 'p', timeZone: 'Mars/Olympus' }),
    /policy\.timeZone .*no time zone/,
  )
  assert.throws(() => read({ folder: 'p', groups: { '': ['local'] } }), /policy\.groups/)
  assert.throws(() => read({}), /policy\.folder/)
})

test('somebody is one principal, whether or not their subject is written encoded (GV2)', () => {
  const at = 'https://idp.example#'
  const written = ['ada', 'bob@example.com', 'bob%40example.com', 'a%ZZ', '100%'].map(
    (one) => at + one,
  )
  const { groups } = read({ folder: 'p', groups: { sre: [...written, 'operator'] } }) ?? {}
  assert.deepEqual(groups?.['sre'], [
    `${at}ada`,
    `${at}bob%40example.com`,
    `${at}bob%40example.com`,
    `${at}a%25ZZ`,
    `${at}100%25`,
    'operator',
  ])
})
