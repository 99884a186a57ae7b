import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonLine, table } from './io.ts'
import { printable } from './printable.ts'

test('no character that a terminal obeys is printed', () => {
  assert.equal(
    printable('a\u001b]0;x\u0007\u009b2J\u007f\r\nb\u202e\u2028é😀'),
    'a\\u001b]0;x\\u0007\\u009b2J\\u007f\\u000d\\u000ab\\u202e\\u2028é😀',
  )
  assert.equal(table([['N'], ['\u001b[2J']]), 'N\n\\u001b[2J')
})

test('a JSON line is free of them too, and says the same', () => {
  const value = { a: 'x\u009b\u007f\u{e0001}\u001b' }
  assert.match(jsonLine(value), /^[\x20-\x7e]+$/)
  assert.deepEqual(JSON.parse(jsonLine(value)), value)
})
