import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isSound, partsOf, readTrace, TRACE_KEYS } from './trace-context.ts'

const SOUND = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('a traceparent (W3C Trace Context §3.2)', () => {
  test('is read in its four parts', () => {
    assert.deepEqual(partsOf({ traceparent: SOUND }), {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      flags: 1,
    })
  })

  test('of a later version may say more; one of ours may not', () => {
    assert.ok(isSound('traceparent', SOUND.replace('00', 'cc').concat('-what-the-future-is')))
    assert.ok(!isSound('traceparent', `${SOUND}-more`))
    assert.ok(!isSound('traceparent', SOUND.replace('00', 'ff')))
  })

  test('with an id of zeros, in capitals, or of another length is none', () => {
    for (const wrong of [
      '',
      SOUND.toUpperCase(),
      SOUND.slice(1),
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
      `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
      7,
      null,
      [SOUND],
    ]) {
      assert.ok(!isSound('traceparent', wrong), String(wrong))
    }
  })
})

test('A state or baggage that is malformed goes, and the trace stays (§3.3)', () => {
  const at = (values: Readonly<Record<string, unknown>>) => (key: string) => values[key]
  assert.deepEqual(readTrace(at({ traceparent: SOUND, tracestate: 'a\n', baggage: '=' })), {
    traceparent: SOUND,
  })
  const whole = { traceparent: SOUND, tracestate: 'a=b', baggage: 'k=v;p=1, l=%20' }
  assert.deepEqual(readTrace(at(whole)), whole)
  assert.equal(readTrace(at({ tracestate: 'a=b' })), undefined)
})

test('What is let through can stand in a header, whatever came', () => {
  const begins = ['', 'a=b,c=', SOUND.replace('00', 'cc').concat('-')]
  const text = fc.string({ unit: 'binary', maxLength: 3 })
  fc.assert(
    fc.property(
      fc.constantFrom(...TRACE_KEYS),
      fc.constantFrom(...begins),
      text,
      (key, begin, end) => {
        if (isSound(key, begin + end)) assert.match(begin + end, /^[\t\u0020-\u007E]+$/)
      },
    ),
  )
})

test('Endless text is looked at no longer than it may be', () => {
  for (const key of TRACE_KEYS) assert.ok(!isSound(key, 'a=b,'.repeat(100_000)))
})
