import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeSeal } from './seal.ts'
import { systemWorld } from './world.ts'

const key = (fill: number): Buffer => Buffer.alloc(32, fill)
const seal = makeSeal(systemWorld, [key(1)])
const texts = fc.string({ unit: 'grapheme' })

test('what was sealed opens for its purpose, and for no other', () => {
  // I-020, I-023, H-077
  fc.assert(
    fc.property(texts, texts, texts, (content, purpose, other) => {
      const sealed = seal.seal(purpose, content)
      assert.match(sealed, /^[A-Za-z0-9_-]+$/)
      assert.equal(seal.open(purpose, sealed), content)
      if (other !== purpose) assert.equal(seal.open(other, sealed), undefined)
      assert.notEqual(seal.seal(purpose, content), sealed)
    }),
  )
})

test('no flipped bit, no cut, no addition and no invention ever opens', () => {
  const sealed = seal.seal('p', 'the content')
  const bytes = Buffer.from(sealed, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(seal.open('p', changed.toString('base64url')), undefined)
  }
  for (let at = 0; at < sealed.length; at++)
    assert.equal(seal.open('p', sealed.slice(0, at)), undefined)
  for (const more of ['A', '=', '\n', ' ', '.']) {
    assert.equal(seal.open('p', sealed + more), undefined)
    assert.equal(seal.open('p', more + sealed), undefined)
  }
  fc.assert(
    fc.property(
      fc.oneof(texts, fc.base64String(), fc.string({ minLength: 70_000, maxLength: 70_001 })),
      (made) => {
        assert.equal(seal.open('p', made), undefined)
      },
    ),
  )
})

test('after a change of keys the old ones still open, until they are taken away', () => {
  // I-025
  const sealed = seal.seal('p', 'old')
  const both = makeSeal(systemWorld, [key(2), key(1)])
  assert.equal(both.open('p', sealed), 'old')
  assert.equal(seal.open('p', both.seal('p', 'new')), undefined)
  assert.equal(makeSeal(systemWorld, [key(2)]).open('p', sealed), undefined)
})
