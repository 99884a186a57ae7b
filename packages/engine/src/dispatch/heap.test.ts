import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Heap } from './heap.ts'

test('ids come out by time, each once, at the soonest time it was mentioned for', () => {
  const mention = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1_000 }))
  fc.assert(
    fc.property(fc.array(mention, { maxLength: 200 }), (mentions) => {
      const heap = new Heap()
      const soonest = new Map<string, number>()
      for (const [n, at] of mentions) {
        const id = `t${String(n)}`
        heap.add(id, at)
        soonest.set(id, Math.min(soonest.get(id) ?? Infinity, at))
      }
      const out: string[] = []
      for (let id = heap.take(1_000); id !== undefined; id = heap.take(1_000)) out.push(id)
      assert.deepEqual(new Set(out), new Set(soonest.keys()))
      assert.equal(out.length, soonest.size)
      const times = out.map((id) => soonest.get(id)!)
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      )
      assert.equal(heap.size, 0)
    }),
  )
})

test('what is not due yet stays', () => {
  const heap = new Heap()
  heap.add('later', 10)
  assert.equal(heap.take(9), undefined)
  assert.equal(heap.first, 10)
  assert.equal(heap.take(10), 'later')
})
