// PV-007: what people and programs may send to policies, on purpose or not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '@countersign/contract'
import fc from 'fast-check'
import { loadCedar } from './cedar.ts'
import { makeEngine, type PolicyEngine } from './engine.ts'
import { clockOf } from './moment.ts'
import { parseSet } from './parse-set.ts'
import type { Question } from './question.ts'

const cedar = await loadCedar()
const MOMENT = clockOf('UTC')(Date.UTC(2026, 10, 23, 10, 30))
let sets = 0

function engineOf(text: string): PolicyEngine {
  const { policies, mistakes } = parseSet(cedar, [{ name: 'a.cedar', text }])
  assert.deepEqual(mistakes, [])
  return makeEngine(cedar, `hostile ${String(sets++)}`, policies)
}

const asked = (more: Partial<Question> = {}): Question => ({
  principal: { type: 'User', id: 'ada', subject: 'ada', groups: [] },
  action: 'call',
  resource: { type: 'Tool', server: 'files', name: 'drop' },
  effect: 'write',
  view: '',
  scopes: [],
  agents: [],
  delegation: 0,
  proof: 'local',
  moment: MOMENT,
  arguments: {},
  ...more,
})

const ALL = '@id("all") permit(principal, action, resource);'
const HOME = `${ALL}
  @id("home") forbid(principal, action == Action::"call", resource)
  unless { context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/home/*" };`

const nested = (depth: number): Json => {
  let value: Json = 'x'
  for (let at = 0; at < depth; at++) value = { a: value }
  return value
}

test('arguments of a megabyte and a thousand levels are judged or denied, and the next call as before', () => {
  const engine = engineOf(HOME)
  const path = '/home/ada'
  const huge: readonly (readonly [Json, string])[] = [
    [{ path, text: 'x'.repeat(1_048_576) }, 'allow'],
    [{ path: `/etc/${'x'.repeat(1_048_576)}` }, 'deny'],
    [{ path, more: nested(1_000) }, 'deny'],
    [{ path, list: Array.from({ length: 100_000 }, (_, at) => ({ at })) }, 'deny'],
    [{ path, names: Array.from({ length: 50_000 }, (_, at) => `n${String(at)}`) }, 'allow'],
    [Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`k${String(at)}`, at])), 'deny'],
  ]
  for (const [given, expected] of huge) {
    assert.equal(engine.judge(asked({ arguments: given })).kind, expected)
    assert.equal(engine.judge(asked({ arguments: { path } })).kind, 'allow')
    assert.equal(engine.judge(asked({ arguments: { path: '/etc' } })).kind, 'deny')
  }
  engine.release()
})

test('tools and principals that look alike are not the same, and no permit reaches the other', () => {
  const engine = engineOf(`
    @id("one") permit(principal == User::"ada", action, resource == Tool::"files/drop");`)
  assert.equal(engine.judge(asked()).kind, 'allow')
  for (const twin of ['аda', 'ada\u200b', 'ADA', 'ada ', 'ada\u0000', 'a\u0064\u0301a', '"ada"']) {
    const principal = { type: 'User' as const, id: twin, subject: twin, groups: [] }
    assert.equal(engine.judge(asked({ principal })).kind, 'deny', JSON.stringify(twin))
  }
  for (const name of ['drор', 'drop\u200d', 'Drop', 'drop/', '../files/drop', 'drop"]', 'ｄrop']) {
    const resource = { type: 'Tool' as const, server: 'files', name }
    assert.equal(engine.judge(asked({ resource })).kind, 'deny', JSON.stringify(name))
  }
  // A server and a tool whose names make the id of another.
  const resource = { type: 'Tool' as const, server: 'other', name: 'files/drop' }
  assert.equal(engine.judge(asked({ resource })).kind, 'deny')
  engine.release()
})

const PIECES: readonly string[] = [
  `permit forbid ( ) { } [ ] ; , " \\ @id("x") @ // principal action resource when unless context`,
  `. has like in is == && || ! - * User::"a" ?principal 9223372036854775808 decimal("1.0") ip("::")`,
  'if then else true \u0000 \ud800 𝒜',
]
  .flatMap((line) => line.split(' '))
  .concat('\n', ' ')
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }).map((all) => all.join(' ')),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 80 }).map((all) => all.join('')),
  // What is right, with a piece of something else in it.
  fc
    .tuple(fc.nat(HOME.length), fc.constantFrom(...PIECES))
    .map(([at, piece]) => HOME.slice(0, at) + piece + HOME.slice(at)),
)

test('any text at all is a set or a list of mistakes, each in its place', () => {
  let right = 0
  fc.assert(
    fc.property(texts, (text) => {
      const { policies, mistakes } = parseSet(cedar, [{ name: 'a.cedar', text }])
      const lines = text.split('\n').length
      for (const { file, line, column, problem } of mistakes) {
        assert.equal(file, 'a.cedar')
        assert.ok(line >= 1 && line <= lines && column >= 1 && problem !== '')
      }
      if (mistakes.length > 0) return
      right++
      const engine = makeEngine(cedar, `hostile ${String(sets++)}`, policies)
      engine.judge(asked())
      engine.release()
    }),
    { numRuns: 500 },
  )
  assert.ok(right > 10)
  assert.equal(engineOf(HOME).judge(asked({ arguments: { path: '/home/x' } })).kind, 'allow')
})

test('500 policies are one set, and each has its say', () => {
  const rules = Array.from(
    { length: 499 },
    (_, at) =>
      `@id("p${String(at)}") forbid(principal, action, resource == Tool::"files/t${String(at)}");`,
  )
  const engine = engineOf([ALL, ...rules].join('\n'))
  for (const at of [0, 250, 498]) {
    const resource = { type: 'Tool' as const, server: 'files', name: `t${String(at)}` }
    assert.deepEqual(engine.judge(asked({ resource })).policies, [`p${String(at)}`])
  }
  assert.equal(engine.judge(asked()).kind, 'allow')
  engine.release()
})

test('a forbid on approve keeps a person from deciding, and only that; no permit is needed', () => {
  // PV-006
  const engine = engineOf(`
    @id("ask") @ask("sre") forbid(principal, action, resource) when { context.effect == "write" };
    @id("not-bob") @message("Bob wrote it") forbid(principal == User::"bob", action == Action::"approve", resource in Server::"files");
    @id("agents") forbid(principal, action == Action::"call", resource) when { context.delegation * 9007199254740991 * 9007199254740991 > 0 };`)
  const by = (id: string, server = 'files'): Question =>
    asked({
      action: 'approve',
      principal: { type: 'User', id, subject: id, groups: [] },
      resource: { type: 'Tool', server, name: 'drop' },
    })
  const kept = engine.keepsFrom(by('bob'))
  assert.deepEqual(kept, {
    kind: 'deny',
    why: 'forbidden',
    policies: ['not-bob'],
    message: 'Bob wrote it',
  })
  assert.equal(engine.keepsFrom(by('eve')), undefined)
  assert.equal(engine.keepsFrom(by('bob', 'mail')), undefined)
  engine.release()
})
