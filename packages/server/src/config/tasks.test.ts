import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '@countersign/contract'
import { systemWorld } from '#base'
import { parseConfig, type Config } from '#config'

const read = (text: string): Config =>
  parseConfig({ world: systemWorld, text, path: '/etc/countersign.yaml' })

function refusal(text: string): string {
  try {
    read(text)
  } catch (thrown) {
    assert.ok(thrown instanceof Fault)
    assert.equal(thrown.code, 'config/invalid')
    return thrown.message
  }
  return assert.fail(`it was accepted: ${text}`)
}

describe('the section "tasks"', () => {
  test('has a default for everything', () => {
    assert.deepEqual(read('').tasks, {
      after: 5_000,
      hold: {},
      ttl: 86_400_000,
      inFlightMax: 1_000,
      pollsPerSecondMax: 50,
      resultBytesMax: 4_194_304,
    })
  })

  test('takes times with their unit, and sizes', () => {
    const { tasks } = read(`
tasks:
  after: 500 ms
  hold: { claude-code: 2 min, "My Client": 1.5 s }
  ttl: 7 d
  inFlightMax: 10
  pollsPerSecondMax: 5
  resultBytesMax: 1 MiB
`)
    assert.deepEqual(tasks, {
      after: 500,
      hold: { 'claude-code': 120_000, 'My Client': 1_500 },
      ttl: 604_800_000,
      inFlightMax: 10,
      pollsPerSecondMax: 5,
      resultBytesMax: 1_048_576,
    })
    assert.equal(read('tasks: { after: never }').tasks.after, Number.POSITIVE_INFINITY)
  })

  for (const [written, names] of [
    ['after: 5', 'tasks.after'],
    ['after: 99 ms', 'tasks.after'],
    ['after: 2 h', 'tasks.after'],
    ['after: soon', 'tasks.after'],
    ['ttl: 8 d', 'tasks.ttl'],
    ['ttl: 59 s', 'tasks.ttl'],
    ['ttl: never', 'tasks.ttl'],
    ['hold: { goose: 500 ms }', 'tasks.hold.goose'],
    ['hold: 5 s', 'tasks.hold'],
    ['inFlightMax: 0', 'tasks.inFlightMax'],
    ['pollsPerSecondMax: 1.5', 'tasks.pollsPerSecondMax'],
    ['resultBytesMax: 1 KiB', 'tasks.resultBytesMax'],
    ['afer: 5 s', 'afer'],
  ] as const) {
    test(`refuses "${written}" and says where`, () => {
      assert.match(
        refusal(`tasks: { ${written} }`),
        new RegExp(names.replaceAll('.', String.raw`\.`)),
      )
    })
  }
})

const withTool = (rule: string): string =>
  `servers:\n  bank:\n    command: bank\n    tools:\n      pay: ${rule}\n`

describe('what is decided about single tools', () => {
  test('becomes rules by server and the server’s own name', () => {
    const { rules } = read(
      withTool(`
        effect: write
        after: 2 s
        compensate: { tool: refund, arguments: { id: $.result.structuredContent.id, note: $$5 } }
        reconcile: { tool: was_paid }`),
    )
    assert.deepEqual(rules['bank']?.['pay'], {
      effect: 'write',
      afterMs: 2_000,
      compensate: {
        tool: 'refund',
        arguments: { id: '$.result.structuredContent.id', note: '$$5' },
      },
      reconcile: { tool: 'was_paid', arguments: {} },
    })
    assert.equal(
      read(withTool('{ after: never }')).rules['bank']?.['pay']?.afterMs,
      Number.POSITIVE_INFINITY,
    )
  })

  test('is ours alone: in a pasted block it is said not to be used', () => {
    const text = JSON.stringify({
      mcpServers: { bank: { command: 'bank', tools: { pay: { effect: 'read' } } } },
    })
    const { rules, notes } = read(text)
    assert.deepEqual(rules['bank'], {})
    assert.deepEqual(notes, ['mcpServers.bank: not used: tools'])
  })

  for (const [rule, says] of [
    ['{ effect: harmless }', 'effect'],
    ['{ after: 1 }', 'after'],
    ['{ compensate: refund }', 'compensate'],
    ['{ compensate: { arguments: {} } }', 'compensate'],
    ['{ compensate: { tool: refund, arguments: { id: "$.[" } } }', 'compensate'],
    ['{ reconcile: { tool: x, arguments: { deep: [{ id: "$..[?" }] } } }', 'reconcile'],
    ['{ undo: refund }', 'undo'],
  ] as const) {
    test(`refuses ${rule} and says where`, () => {
      assert.match(refusal(withTool(rule)), new RegExp(says))
    })
  }
})
