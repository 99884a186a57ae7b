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

test('the folder starts from the file, hours are UTC, and groups have members', () => {
  assert.deepEqual(read({ folder: 'policies', groups: { sre: ['local'] } }), {
    folder: '/etc/countersign/policies',
    timeZone: 'UTC',
    groups: { sre: ['local'] },
  })
})

test('a zone that does not exist and a group without a name are mistakes', () => {
  assert.throws(
    () => read({ folder: 'p', timeZone: 'Mars/Olympus' }),
    /policy\.timeZone .*no time zone/,
  )
  assert.throws(() => read({ folder: 'p', groups: { '': ['local'] } }), /policy\.groups/)
  assert.throws(() => read({}), /policy\.folder/)
})
