import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LastLines } from './last-lines.ts'

test('the last lines are kept, each and all of them bounded', () => {
  const lines = new LastLines()
  lines.push('first\nse')
  lines.push('cond\r\n\n')
  assert.deepEqual(lines.lines(), ['first', 'second'])
  lines.push('x'.repeat(10_000))
  assert.equal(lines.lines().at(-1)?.length, 2_048)
  for (let at = 0; at < 500; at++) lines.push(`\nline ${at}`)
  assert.ok(lines.lines().length <= 201)
  assert.equal(lines.lines().at(-1), 'line 499')
})
