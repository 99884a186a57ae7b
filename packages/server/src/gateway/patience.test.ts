import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld, type World } from '#base'
import { Patiences } from './patience.ts'
import { Polls } from './polls.ts'
import type { JsonObject } from '@countersign/contract'
import { runOf } from './same-call.ts'
import { whenceOf } from './whence.ts'
import { ago } from './words.ts'

const patiences = (world: Pick<World, 'monotonic'> = systemWorld) =>
  new Patiences(world, { afterMs: 5_000, hold: { lab: 3_000 } })

test('a client is kept waiting as long as its kind is known to bear', () => {
  const { holdMs } = { holdMs: (name: string) => patiences().holdMs('ada', { name }) }
  assert.equal(holdMs('claude-code'), 50_000)
  assert.equal(holdMs('codex-mcp-client'), 20_000)
  assert.equal(holdMs('mcp'), 4_000)
  assert.equal(holdMs('never heard of'), 15_000)
  assert.equal(holdMs('lab'), 3_000)
  assert.equal(holdMs('constructor'), 15_000)
  assert.equal(patiences().holdMs('ada', undefined), 15_000)
})

test('a client that hung up on a held call is answered sooner, and others are not', () => {
  const all = patiences()
  all.hungUp('ada', 10_000)
  assert.equal(all.holdMs('ada', { name: 'claude-code' }), 7_000)
  assert.equal(all.holdMs('bob', { name: 'claude-code' }), 50_000)
  all.hungUp('ada', 10)
  assert.equal(all.holdMs('ada', { name: 'claude-code' }), 2_000)
})

test('that a client hung up is forgotten after an hour', () => {
  let now = 0
  const all = patiences({ monotonic: () => now })
  all.hungUp('ada', 10_000)
  now += 3_599_999
  assert.equal(all.holdMs('ada', { name: 'claude-code' }), 7_000)
  now += 1
  assert.equal(all.holdMs('ada', { name: 'claude-code' }), 50_000)
})

test('of many clients that hung up those of longest ago are forgotten first', () => {
  const all = patiences()
  for (let at = 0; at <= 10_000; at++) all.hungUp(`ada ${String(at)}`, 10_000)
  assert.equal(all.holdMs('ada 0', { name: 'claude-code' }), 50_000)
  assert.equal(all.holdMs('ada 1', { name: 'claude-code' }), 7_000)
})

// TL-027
test('a principal may ask so often in a second, and waits for the next one after that', () => {
  let now = 0
  const polls = new Polls({ ...systemWorld, monotonic: () => now }, 3)
  for (let at = 0; at < 3; at++) polls.take('ada')
  assert.throws(() => polls.take('ada'), { code: 'task/busy' })
  polls.take('bob')
  now += 400
  polls.take('ada')
  assert.throws(() => polls.take('ada'), { code: 'task/busy' })
})

test('a run is named by its handle, else by the trace it is part of', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const traceparent = `00-${trace}-b7ad6b7169203331-01`
  const named = (params: JsonObject | undefined, headers = {}): string | undefined =>
    runOf(params, whenceOf(params, { headers }))
  assert.equal(named({ _meta: { traceparent } }), trace)
  assert.equal(named({}, { traceparent }), trace)
  assert.equal(named({ _meta: { traceparent, 'dev.countersign/run': 'nightly 4' } }), 'nightly 4')
  assert.equal(named({ _meta: { 'dev.countersign/run': 'two\nlines' } }), 'two lines')
  for (const params of [undefined, {}, { _meta: 3 }, { _meta: { traceparent: 'x' } }]) {
    assert.equal(named(params as JsonObject), undefined)
  }
})

test('times are said as people say them', () => {
  assert.deepEqual([0, 59_000, 60_000, 3_600_000].map(ago), ['0 s', '59 s', '1 min', '60 min'])
})
