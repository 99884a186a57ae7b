import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matches, textsAt } from './match.ts'

test('a star is any run of characters, and everything else is itself', () => {
  const yes = [
    ['', ''],
    ['', '*'],
    ['abc', 'abc'],
    ['abc', 'a*'],
    ['abc', '*c'],
    ['abc', 'a*c'],
    ['abc', '*b*'],
    ['abc', 'a**c'],
    ['a.c', 'a.c'],
    ['aXbXc', 'a*b*c'],
    ['abab', '*ab'],
  ] as const
  const no = [
    ['abc', ''],
    ['abc', 'ab'],
    ['abc', 'bc'],
    ['abc', 'a*d'],
    ['axc', 'a.c'],
    ['ab', 'ab*b'],
    ['a', 'a*a'],
    ['ABC', 'abc'],
    ['abc\n', 'abc'],
  ] as const
  for (const [text, pattern] of yes) assert.ok(matches(text, pattern), `${text} ~ ${pattern}`)
  for (const [text, pattern] of no) assert.ok(!matches(text, pattern), `${text} !~ ${pattern}`)
})

test('a pattern matches like the regular expression it stands for', () => {
  const small = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  const plain = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 })
  fc.assert(
    fc.property(plain, small, (text, pattern) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
      assert.equal(matches(text, pattern), expression.test(text))
    }),
  )
})

test('a path finds the longest name first, and lists by any of their members', () => {
  const claims = {
    'kubernetes.io': { namespace: 'agents', 'a.b': 'c' },
    kubernetes: { 'io.namespace': 'other' },
    groups: ['x', 'y', 1],
    flag: true,
    nothing: null,
    nested: { deep: { er: 'text' } },
  }
  assert.deepEqual(textsAt(claims, 'kubernetes.io.namespace'), ['agents'])
  assert.deepEqual(textsAt(claims, 'kubernetes.io.a.b'), ['c'])
  assert.deepEqual(textsAt(claims, 'nested.deep.er'), ['text'])
  assert.deepEqual(textsAt(claims, 'groups'), ['x', 'y', '1'])
  assert.deepEqual(textsAt(claims, 'flag'), ['true'])
  for (const path of [
    'nothing',
    'nested',
    'gone',
    'nested.deep',
    '__proto__',
    'constructor.name',
  ]) {
    assert.deepEqual(textsAt(claims, path), [], path)
  }
})
