import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacUnder } from './hmac.ts'

test('a digest under a key is HMAC-SHA-256, whatever the key and the text', () => {
  const keys = fc.uint8Array({ minLength: 0, maxLength: 64 })
  fc.assert(
    fc.property(keys, fc.array(fc.string({ unit: 'binary' })), (key, texts) => {
      const digest = hmacUnder(key)
      // One after another: nothing of a text is left for the next.
      for (const text of texts) {
        assert.equal(digest(text), createHmac('sha256', key).update(text).digest('hex'))
      }
    }),
  )
})
