import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeLabels } from './labels.ts'
import { makeRules } from './rules.ts'

const tool = (server: string, name: string) => ({ server, kind: 'tool', name }) as const
const rules = makeRules({ web: { fetch: { labels: ['outward'] }, ping: { labels: [] } } })

test('the word on a tool comes before the word on its server', () => {
  const { of } = makeLabels(rules, { servers: { web: ['untrusted', 'private'] }, infers: true })
  assert.deepEqual(of(tool('web', 'fetch'), {}), ['outward'])
  assert.deepEqual(of(tool('web', 'ping'), {}), [])
  assert.deepEqual(of(tool('web', 'other'), {}), ['private', 'untrusted'])
  assert.deepEqual(of({ server: 'web', kind: 'prompt', name: 'fetch' }, {}), [
    'private',
    'untrusted',
  ])
})

test('then the record of a registry, and what a server says of itself comes last', () => {
  const { of } = makeLabels(rules, {
    servers: {},
    infers: true,
    recorded: ({ name }) => (name === 'known' ? ['private'] : undefined),
  })
  assert.deepEqual(of(tool('x', 'known'), {}), ['private'])
  assert.deepEqual(of(tool('x', 'unknown'), {}), ['destructive', 'outward', 'untrusted'])
  assert.deepEqual(of({ server: 'x', kind: 'resource', name: 'a://b' }, undefined), ['untrusted'])
  assert.deepEqual(of({ server: 'x', kind: 'prompt', name: 'p' }, undefined), [])
})

test('annotations are believed only where they say that something is not so', () => {
  const { of } = makeLabels(rules, { servers: {}, infers: true })
  const labelled = (annotations: object) => of(tool('x', 't'), { annotations: { ...annotations } })
  assert.deepEqual(labelled({ openWorldHint: false, readOnlyHint: true }), [])
  assert.deepEqual(labelled({ openWorldHint: false }), ['destructive'])
  assert.deepEqual(labelled({ readOnlyHint: true }), ['outward', 'untrusted'])
  assert.deepEqual(labelled({ openWorldHint: 'false', destructiveHint: false }), [
    'outward',
    'untrusted',
  ])
  assert.deepEqual(makeLabels(rules, { servers: {}, infers: false }).of(tool('x', 't'), {}), [])
})
