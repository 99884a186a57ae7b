import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Roster } from './roster.ts'

const step = fc.record({ id: fc.nat({ max: 20 }), isAdded: fc.boolean() })

test('it holds what a Map of the same history holds, in the order of the numbers', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const roster = new Roster<{ readonly at: number }>()
      const map = new Map<number, { readonly at: number }>()
      for (const [at, { id, isAdded }] of steps.entries()) {
        if (isAdded) {
          roster.add(id, { at })
          map.set(id, { at })
        } else assert.equal(roster.remove(id), map.delete(id))
        assert.equal(roster.size, map.size)
        assert.deepEqual(roster.get(id), map.get(id))
      }
      const expected = [...map].toSorted(([a], [b]) => a - b).map(([, value]) => value)
      assert.deepEqual(roster.values(), expected)
    }),
  )
})
