import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADMIN_TASK_STATES, adminStatus, FAULTS, type FaultCode } from '@countersign/contract'
import { TASK_STATES } from '@countersign/engine'
import { withoutSecrets } from './task-line.ts'
import { toolResult } from './tasks.ts'

test('the states that are shown are those of the engine', () => {
  assert.deepEqual(ADMIN_TASK_STATES, TASK_STATES)
})

test('no refusal has a status of success', () => {
  for (const code of Object.keys(FAULTS) as FaultCode[]) assert.ok(adminStatus(code) >= 400, code)
  assert.equal(adminStatus('task/unknown'), 404)
  assert.equal(adminStatus('task/illegal'), 409)
})

test('what a person says becomes a tool result', () => {
  const text = (words: string): object => ({ content: [{ type: 'text', text: words }] })
  assert.deepEqual(toolResult(undefined), text('A person checked: it happened.'))
  assert.deepEqual(toolResult('Paid.'), text('Paid.'))
  const data = { id: 7 }
  assert.deepEqual(toolResult(data), { ...text('{"id":7}'), structuredContent: data })
  assert.deepEqual(toolResult([1]), text('[1]'))
  const whole = { content: [], structuredContent: data }
  assert.deepEqual(toolResult(whole), whole)
})

test('members that are named like secrets are not shown, however deep', () => {
  const given = { user: 'ada', list: [{ api_key: 'x', n: 1 }], Authorization: { deep: 'y' } }
  assert.deepEqual(withoutSecrets(given), {
    user: 'ada',
    list: [{ api_key: '[secret]', n: 1 }],
    Authorization: '[secret]',
  })
})
