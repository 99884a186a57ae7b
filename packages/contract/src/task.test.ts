import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  relatedTask,
  toDetailedTask,
  toExtensionTask,
  toLegacyTask,
  withRelated,
  type TaskView,
} from './task.ts'

const VIEW: TaskView = {
  id: 'task_1',
  message: 'Halfway.',
  createdAt: 0,
  updatedAt: 1_000,
  ttlMs: 60_000,
  pollMs: 2_000,
  inputs: {},
  end: undefined,
}
const failedTool = {
  content: [{ type: 'text', text: 'No such folder.\nTry another.' }],
  isError: true,
}

// TL-008, TX-006
test('one task in the words of both protocols, and no word of the other', () => {
  const shared = {
    taskId: 'task_1',
    status: 'working',
    statusMessage: 'Halfway.',
    createdAt: '1970-01-01T00:00:00.000Z',
    lastUpdatedAt: '1970-01-01T00:00:01.000Z',
  }
  assert.deepEqual(toLegacyTask(VIEW), { ...shared, ttl: 60_000, pollInterval: 2_000 })
  assert.deepEqual(toExtensionTask(VIEW), { ...shared, ttlMs: 60_000, pollIntervalMs: 2_000 })
})

// TL-011, TL-033, TX-012
test('a tool result with isError has failed in one protocol and completed in the other', () => {
  const view: TaskView = { ...VIEW, end: { kind: 'result', result: failedTool } }
  assert.equal(toLegacyTask(view)['status'], 'failed')
  assert.equal(toLegacyTask(view)['statusMessage'], 'No such folder.')
  const { status, result } = toDetailedTask(view)
  assert.equal(status, 'completed')
  assert.deepEqual(result, { ...failedTool, resultType: 'complete' })
})

// TX-010, TX-011
test('what a task carries follows from where it stands', () => {
  const error = { code: -32603, message: 'broken' }
  assert.deepEqual(toDetailedTask({ ...VIEW, end: { kind: 'error', error } })['error'], error)
  const asked = toDetailedTask({ ...VIEW, inputs: { q1: { method: 'roots/list' } } })
  assert.equal(asked['status'], 'input_required')
  assert.deepEqual(asked['inputRequests'], { q1: { method: 'roots/list' } })
  const over = toDetailedTask({
    ...VIEW,
    inputs: { q1: { method: 'roots/list' } },
    end: { kind: 'cancelled' },
  })
  assert.equal(over['status'], 'cancelled')
  assert.equal('inputRequests' in over, false)
})

// TL-013, TX-011
test('a related task is said, read, and taken off towards the other era', () => {
  const result = withRelated({ content: [], _meta: { mine: 1 } }, 'task_1')
  assert.equal(relatedTask(result), 'task_1')
  assert.equal(relatedTask({ _meta: { 'io.modelcontextprotocol/related-task': 'x' } }), undefined)
  const inlined = toDetailedTask({ ...VIEW, end: { kind: 'result', result } })['result']
  assert.deepEqual(inlined, { content: [], _meta: { mine: 1 }, resultType: 'complete' })
})
