import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { advance, isFinal, TASK_STATES, TaskFault, type TaskEvent } from './index.ts'
import { TRANSITIONS } from './machine.ts'

const EVENTS = Object.keys(TRANSITIONS) as TaskEvent[]

test('nothing leaves a final state, and every other state can be left', () => {
  for (const state of TASK_STATES) {
    const ways = EVENTS.filter((event) =>
      (TRANSITIONS[event].from as readonly string[]).includes(state),
    )
    assert.equal(ways.length === 0, isFinal(state), state)
  }
})

test('an event the table does not know is refused with the state and the event in words', () => {
  assert.throws(
    () => advance('completed', 'cancel'),
    (error) =>
      error instanceof TaskFault &&
      error.code === 'task/illegal' &&
      /completed.*cancel/.test(error.message),
  )
  assert.equal(advance('unknown', 'abandon'), 'failed')
})

test('whatever events come in whatever order, a task ends at most once', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 }), (events) => {
      let state: (typeof TASK_STATES)[number] = 'working'
      let ends = 0
      for (const event of events) {
        const before = state
        try {
          state = advance(state, event)
        } catch {
          continue
        }
        assert.ok(!isFinal(before))
        if (isFinal(state)) ends++
      }
      assert.ok(ends <= 1)
    }),
  )
})
