import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonical, findAmbiguity } from './canonical.ts'

/** JSON that only the story knows. */
// oxlint-disable-next-line typescript/no-explicit-any
type Wire = any

/** The same value with the keys of every object in another order. */
function shuffled(value: Wire, turn: number): Wire {
  if (Array.isArray(value)) return value.map((one) => shuffled(one, turn))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, one]) => [key, shuffled(one, turn)])
  return Object.fromEntries([
    ...entries.slice(turn % (entries.length + 1)),
    ...entries.slice(0, turn % (entries.length + 1)),
  ])
}

test('one value has one canonical text, and the text means the value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: 'medium' }), fc.nat(20), (value, turn) => {
      const text = canonical(value)
      assert.equal(canonical(shuffled(value, turn)), text)
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
      assert.equal(canonical(JSON.parse(text)), text)
    }),
  )
})

test('the examples of RFC 8785 come out as printed there', () => {
  const value = {
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27],
    literals: [null, true, false],
  }
  assert.equal(
    canonical(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}',
  )
  const names = {
    '\u20ac': 1,
    '\r': 2,
    '\ufb33': 3,
    '1': 4,
    '\ud83d\ude00': 5,
    '\u0080': 6,
    '\u00f6': 7,
  }
  assert.deepEqual(Object.values(JSON.parse(canonical(names))).length, 7)
  assert.equal(canonical(names).replaceAll(/[^0-9:,]/g, ''), ':2,1:4,:6,:7,:1,:5,:3')
})

test('what has no JSON form has no canonical text', () => {
  for (const value of [Infinity, Number.NaN, { a: -Infinity }, undefined]) {
    assert.throws(() => canonical(value))
  }
})

test('text that any parser reads alike is sound', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value)
      const isUnsafe = /(?<![\d.eE"])-?\d{16,}(?![\d.eE])/.test(text)
      if (!isUnsafe) assert.equal(findAmbiguity(text), undefined, text)
    }),
  )
})

test('a key twice, an integer or a number beyond a double, and no JSON are found wherever they stand', () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ['{"a":1,"a":2}', /duplicate key "a"/],
    ['{"a":1,"\\u0061":2}', /duplicate key "a"/],
    ['{"__proto__":1,"__proto__":2}', /duplicate key/],
    ['9007199254740993', /unsafe integer 9007199254740993/],
    ['-9007199254740993', /unsafe integer/],
    ['1e999', /out of range/],
    ['-1e999', /out of range/],
    ['{"a":', /not JSON/],
    ['[1,]', /not JSON/],
    ['{"a":1}x', /not JSON/],
  ]
  const wraps = [
    (text: string) => text,
    (text: string) => `[0,${text}]`,
    (text: string) => `{"deep":{"er":[${text}]}}`,
  ]
  for (const [text, why] of bad) {
    for (const wrap of wraps) assert.match(findAmbiguity(wrap(text))?.why ?? '', why, wrap(text))
  }
  const sound: readonly string[] = [
    '{"a":{"a":1}}',
    '[{"a":1},{"a":2}]',
    '9007199254740991',
    '1e3',
    '0.1',
  ]
  for (const text of sound) assert.equal(findAmbiguity(text), undefined)
})

test('a text made ambiguous by one more member is caught', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
      fc.nat(),
      (value, at) => {
        const keys = Object.keys(value)
        const key = JSON.stringify(keys[at % keys.length])
        const text = JSON.stringify(value)
        assert.ok(findAmbiguity(`{${key}:0,${text.slice(1)}`))
      },
    ),
  )
})
