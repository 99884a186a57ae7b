// PO-001, PO-002, PO-003: deny beats ask beats allow, said again without the code that decides it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadCedar } from './cedar.ts'
import { makeEngine } from './engine.ts'
import { clockOf } from './moment.ts'
import { parseSet } from './parse-set.ts'
import type { Question } from './question.ts'

const cedar = await loadCedar()
const MOMENT = clockOf('UTC')(Date.UTC(2026, 10, 23, 10, 30))

/** A policy, and whether it applies, as anybody reads it. */
interface Rule {
  readonly text: string
  readonly applies: (asked: Question) => boolean
}

const CONDITIONS: readonly Rule[] = [
  { text: '', applies: () => true },
  {
    text: 'when { context.effect == "destructive" }',
    applies: ({ effect }) => effect === 'destructive',
  },
  {
    text: 'unless { context.scopes.contains("w") }',
    applies: ({ scopes }) => !scopes.includes('w'),
  },
  {
    text: 'when { context.arguments.flag.hasTag("force") && context.arguments.flag.getTag("force") }',
    applies: ({ arguments: given }) => JSON.stringify(given) === '{"force":true}',
  },
  { text: 'when { context.delegation > 1 }', applies: ({ delegation }) => delegation > 1 },
]
const SCOPES: readonly Rule[] = [
  { text: 'principal, action, resource', applies: () => true },
  {
    text: 'principal, action == Action::"call", resource == Tool::"files/drop"',
    applies: ({ resource }) => resource.server === 'files' && resource.name === 'drop',
  },
  {
    text: 'principal in Group::"ops", action, resource in Server::"mail"',
    applies: ({ principal, resource }) =>
      principal.groups.includes('ops') && resource.server === 'mail',
  },
]
const KINDS = ['permit', 'permit', 'forbid', 'asks'] as const

const rules = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    scope: fc.constantFrom(...SCOPES),
    condition: fc.constantFrom(...CONDITIONS),
  }),
  { maxLength: 6 },
)
const questions = fc.array(
  fc.record({
    server: fc.constantFrom('files', 'mail'),
    name: fc.constantFrom('drop', 'read'),
    groups: fc.constantFrom([], ['ops']),
    effect: fc.constantFrom('read' as const, 'destructive' as const),
    scopes: fc.constantFrom([], ['w']),
    delegation: fc.constantFrom(0, 2),
    arguments: fc.constantFrom({}, { force: true }, { force: 'true' }),
  }),
  { minLength: 1, maxLength: 12 },
)

test('deny beats ask, ask beats allow, and allow needs a permit', () => {
  const seen = { allow: 0, ask: 0, deny: 0 }
  let sets = 0
  fc.assert(
    fc.property(rules, questions, (given, asked) => {
      const text = given
        .map(({ kind, scope, condition }, at) => {
          const annotation = kind === 'asks' ? '@ask("sre")' : ''
          const effect = kind === 'permit' ? 'permit' : 'forbid'
          return `@id("p${String(at)}") ${annotation} ${effect} (${scope.text}) ${condition.text};`
        })
        .join('\n')
      const { policies, mistakes } = parseSet(cedar, [{ name: 'a.cedar', text }])
      assert.deepEqual(mistakes, [])
      const engine = makeEngine(cedar, `precedence ${String(sets++)}`, policies)
      for (const { server, name, groups, ...facts } of asked) {
        const question: Question = {
          principal: { type: 'User', id: 'ada', subject: 'ada', groups },
          action: 'call',
          resource: { type: 'Tool', server, name },
          view: '',
          agents: [],
          proof: 'local',
          moment: MOMENT,
          ...facts,
        }
        const applying = given
          .filter(({ scope, condition }) => scope.applies(question) && condition.applies(question))
          .map(({ kind }) => kind)
        const isPermitted = applying.includes('permit')
        const expected =
          !isPermitted || applying.includes('forbid')
            ? 'deny'
            : applying.includes('asks')
              ? 'ask'
              : 'allow'
        assert.equal(engine.judge(question).kind, expected, text)
        seen[expected]++
      }
      engine.release()
    }),
    { numRuns: 150 },
  )
  assert.ok(seen.allow > 50 && seen.ask > 20 && seen.deny > 50, JSON.stringify(seen))
})
