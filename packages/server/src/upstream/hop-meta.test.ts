import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withMeta, withoutHopMeta } from './hop-meta.ts'

// V-044, V-046, V-047
test('metadata of the hop is dropped, that of others is kept, and nothing is copied in vain', () => {
  const plain = { a: 1, _meta: { 'example.com/x': 1, traceparent: 't' } }
  assert.equal(withoutHopMeta(plain), plain)
  const meta = { 'io.modelcontextprotocol/serverInfo': {}, traceparent: 't' }
  assert.deepEqual(withoutHopMeta({ a: 1, b: 2, _meta: meta }, 'b'), {
    a: 1,
    _meta: { traceparent: 't' },
  })
  assert.deepEqual(withoutHopMeta({ _meta: { 'io.modelcontextprotocol/x': 1 } }), {})
  assert.deepEqual(withMeta({ a: 1, _meta: { b: 2 } }, { c: 3 }), { a: 1, _meta: { b: 2, c: 3 } })
})
