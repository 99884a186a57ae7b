import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '@countersign/contract'
import type { Entry, EntryKind, EntrySubject } from '@countersign/engine'
import { childrenIn, readCalls } from './read-calls.ts'

/** Lines a second apart, in order. */
const journal = (
  ...lines: readonly (readonly [EntrySubject, EntryKind, number, Json?])[]
): readonly Entry[] =>
  lines.map(([what, kind, call, body = null], at) => ({
    epoch: 1,
    seq: at,
    at: at * 1_000,
    what,
    kind,
    call,
    name: `${what} ${String(call)}`,
    body,
  }))

test('a retried call shows when it is tried again, and why', () => {
  const error = { name: 'NotDone', message: 'The server is away.' }
  const [call] = readCalls(
    journal(['attempt', 'began', 1], ['attempt', 'retry', 1, { number: 1, until: 9_000, error }]),
    'waiting',
  )
  assert.deepEqual(call, {
    call: 1,
    what: 'attempt',
    name: 'attempt 1',
    state: 'retrying',
    tries: 1,
    beganAt: 0,
    until: 9_000,
    error: 'The server is away.',
  })
})

test('an attempt without outcome is unknown only where the task is', () => {
  const lines = journal(['attempt', 'began', 1], ['attempt', 'left', 1])
  assert.equal(readCalls(lines, 'working')[0]?.state, 'open')
  assert.equal(readCalls(lines, 'unknown')[0]?.state, 'unknown')
  const settled = journal(
    ['attempt', 'began', 1],
    ['attempt', 'left', 1],
    ['attempt', 'settled', 1],
    ['attempt', 'began', 1],
    ['attempt', 'done', 1],
  )
  const [call] = readCalls(settled, 'completed')
  assert.deepEqual([call?.state, call?.tries, call?.leftAt], ['done', 2, undefined])
})

test('what came too late, and lines about the task itself, change no call', () => {
  const lines = journal(
    ['task', 'cancelled', 0],
    ['sleep', 'opened', 1, { until: 5_000 }],
    ['sleep', 'late', 1],
  )
  const calls = readCalls(lines, 'cancelled')
  assert.deepEqual(
    calls.map(({ what, state, until }) => [what, state, until]),
    [['sleep', 'open', 5_000]],
  )
})

test('what was begun on behalf of a task is found by the call that began it', () => {
  const lines = journal(
    ['undo', 'opened', 1, { child: 'one' }],
    ['undo', 'done', 1],
    ['undo', 'opened', 2, { child: 'two' }],
    ['sleep', 'opened', 3, { until: 1 }],
  )
  assert.deepEqual(
    [...childrenIn(lines)],
    [
      [1, 'one'],
      [2, 'two'],
    ],
  )
})
