import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainOf } from '#approvals'
import type { TokenPrincipal } from '#auth'
import { boundOf, type Case } from './judge-approved.ts'

const who: TokenPrincipal = {
  id: 'https://idp.example#ada',
  proof: 'bearer',
  issuer: 'https://idp.example',
  subject: 'ada',
  client: 'https://agent.example/client.json',
  scopes: [],
  actors: [
    { subject: 'helper 1', client: 'runner' },
    { subject: 'other', issuer: 'https://other.example' },
  ],
  tokenId: 'jti',
  expiresAt: 0,
  stepUp: 'tool',
}

const target = {
  server: 'tickets',
  method: 'tools/call',
  kind: 'tool',
  name: 'delete',
  effect: 'destructive',
  digest: 'sha256:1',
  params: {},
  paramHeaders: {},
  taskSupport: 'forbidden',
  since: undefined,
} as const
const about = { view: '', argumentsDigest: 'sha256:2' }
const judged = (more: Partial<Case>): Case => ({ who, target, about, label: 'Agent 1', ...more })
const version = { number: 3, digest: 'sha256:3' }

// GV1, GV2
test('a yes is bound to every program between, each by the id that it would answer under', () => {
  const bound = boundOf(judged({}), { version })
  assert.equal(bound.client, 'https://agent.example/client.json')
  assert.deepEqual(
    [...chainOf(bound)],
    [
      'https://idp.example#ada',
      'https://idp.example#https%3A%2F%2Fagent.example%2Fclient.json',
      'https://idp.example#helper%201',
      'https://idp.example#runner',
      'https://other.example#other',
    ],
  )
  assert.deepEqual(bound.policy, version)
  assert.equal(bound.arguments, 'sha256:2')
})

test('in local mode it is bound to what the client calls itself', () => {
  const bound = boundOf(judged({ who: { id: 'local', proof: 'local' } }), {})
  assert.deepEqual([bound.client, [...chainOf(bound)]], ['Agent 1', ['local']])
})
