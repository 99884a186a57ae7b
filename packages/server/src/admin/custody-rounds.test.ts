import assert from 'node:assert/strict'
import { test } from 'node:test'
import { roundsIn } from './custody-rounds.ts'

// ND-002, AU-106
test('of a call that was closed for a node that only slept, what that node says is told', () => {
  const entry = (seq: number, kind: string, body: object) => ({
    seq,
    at: seq,
    kind,
    call: 'call_1',
    body: JSON.parse(JSON.stringify(body)),
  })
  const [round, ...others] = roundsIn([
    entry(1, 'call.opened', { round: 1, arguments: 'sha256:0', decision: { kind: 'allow' } }),
    entry(2, 'call.closed', { outcome: 'unknown', reason: 'crash' }),
    entry(3, 'call.closed', { outcome: 'answered', result: 'sha256:1' }),
  ])
  assert.deepEqual(others, [])
  assert.deepEqual(
    [round?.outcome, round?.reason, round?.closedAt, round?.result],
    ['answered', undefined, 3, 'sha256:1'],
  )
})
