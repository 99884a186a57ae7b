import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '@countersign/contract'
import type { Answer } from './flight.ts'
import { readProbe } from './read-probe.ts'
import { upstreamFault } from './upstream-fault.ts'

const result = (supportedVersions: Json): Answer => ({
  kind: 'result',
  result: { supportedVersions, capabilities: { tools: {} } },
  text: '',
})
const error = (code: number, status?: number, data?: Json): Answer => ({
  kind: 'error',
  error: { code, message: '', ...(data === undefined ? {} : { data }) },
  ...(status === undefined ? {} : { status }),
})
const lost = (status?: number): Answer => ({
  kind: 'lost',
  fault: upstreamFault('upstream/broken', 'peer', 'said no.'),
  ...(status === undefined ? {} : { status }),
})
const verdict = (answer: Answer): string => {
  const read = readProbe(answer, 0)
  return read.kind === 'legacy' ? `${read.sure ? 'surely' : 'maybe'} legacy` : read.kind
}

const VERDICTS: readonly [string, Answer, string][] = [
  ['a discovery that names our revision', result(['2026-07-28']), 'modern'],
  ['a discovery of legacy revisions only', result(['2025-11-25']), 'surely legacy'],
  ['a discovery without revisions', result(null), 'surely legacy'],
  ['an unknown method', error(-32601), 'surely legacy'],
  ['an unknown method by HTTP', error(-32601, 404), 'surely legacy'],
  ['a server that wants a session', error(-32000, 400), 'surely legacy'],
  ['another version, ours among them', error(-32022, 400, { supported: ['2026-07-28'] }), 'again'],
  ['legacy versions', error(-32022, 400, { supported: ['2025-06-18'] }), 'surely legacy'],
  ['no version of ours', error(-32022, 400, { supported: ['2031-01-01'] }), 'unusable'],
  ['a header that does not match', error(-32020, 400), 'unusable'],
  ['a missing capability', error(-32021, 400), 'unusable'],
  ['no such method by status', lost(405), 'surely legacy'],
  ['a refusal of who we are', lost(401), 'unusable'],
  ['a refusal with a body', error(-32001, 403), 'unusable'],
  ['too many requests', lost(429), 'unusable'],
  ['a gateway without server', lost(503), 'unusable'],
  ['a server that broke', lost(500), 'maybe legacy'],
  ['a server that broke with a body', error(-32603, 500), 'maybe legacy'],
  ['a broken connection', lost(), 'maybe legacy'],
]

for (const [what, answer, expected] of VERDICTS) {
  // H-016, S-013, S-014, S-017, V-025, Q-023, Q-031, Q-032, Q-033, Q-081
  test(`${what} means: ${expected}`, () => assert.equal(verdict(answer), expected))
}

test('a server that is not there is reported as it was', () => {
  const fault = upstreamFault('upstream/unavailable', 'peer', 'cannot be reached.')
  assert.deepEqual(readProbe({ kind: 'lost', fault }, 0), { kind: 'unusable', why: fault })
})
