import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineReader } from './line-reader.ts'

const read = (chunks: readonly Buffer[], bytesMax = 1_000_000) => {
  const lines: string[] = []
  let overflows = 0
  const reader = new LineReader({
    bytesMax,
    line: (line) => lines.push(line),
    overflow: () => overflows++,
  })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return { lines, overflows }
}

/** The same bytes, cut anywhere. */
const cut = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length]
  let from = 0
  return ends
    .toSorted((a, b) => a - b)
    .map((end) => {
      const chunk = bytes.subarray(from, end)
      from = end
      return chunk
    })
}

test('any chunking of any messages yields the same messages', () => {
  const newline = fc.constantFrom('\n', '\r\n', '\n\n', '\n \r\n')
  const line = fc.tuple(fc.json({ stringUnit: 'binary' }), newline)
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat()), (messages, places) => {
      const bytes = Buffer.from(messages.map(([json, end]) => json + end).join(''))
      const expected = messages.map(([json]) => JSON.stringify(JSON.parse(json)))
      const { lines, overflows } = read(cut(bytes, places))
      assert.deepEqual(
        lines.map((text) => JSON.stringify(JSON.parse(text))),
        expected,
      )
      assert.equal(overflows, 0)
    }),
  )
})

test('a line beyond the limit ends the reading, however it arrives, and is said once', () => {
  const long = Buffer.from(`fine\n${'x'.repeat(101)}\nnever\n`)
  fc.assert(
    fc.property(fc.array(fc.nat()), (places) => {
      assert.deepEqual(read(cut(long, places), 100), { lines: ['fine'], overflows: 1 })
    }),
  )
})

test('what follows the last newline counts as a line when the stream ends', () => {
  assert.deepEqual(read([Buffer.from('a\nb')]).lines, ['a', 'b'])
})
