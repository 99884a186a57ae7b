import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '@countersign/contract'
import { loadCedar } from './cedar.ts'
import { makeEngine } from './engine.ts'
import { clockOf } from './moment.ts'
import { parseSet } from './parse-set.ts'
import type { Question } from './question.ts'
import { refusalOf } from './refusal.ts'

const cedar = await loadCedar()
const momentAt = clockOf('UTC')
let sets = 0

function engine(text: string) {
  const { policies, mistakes } = parseSet(cedar, [{ name: 'a.cedar', text }])
  assert.deepEqual(mistakes, [])
  return makeEngine(cedar, `engine test ${String(sets++)}`, policies)
}

const asked = (more: Partial<Question> = {}): Question => ({
  principal: { type: 'User', id: 'ada', subject: 'ada', groups: [] },
  action: 'call',
  resource: { type: 'Tool', server: 'files', name: 'delete_file' },
  effect: 'destructive',
  view: '',
  scopes: [],
  agents: [],
  delegation: 0,
  proof: 'local',
  moment: momentAt(Date.UTC(2026, 10, 23, 10, 30)),
  arguments: { path: '/tmp/x' },
  ...more,
})

const PERMIT = '@id("all") permit(principal, action, resource);'
const onDestructive = (annotations: string): string =>
  `${annotations} forbid(principal, action == Action::"call", resource) when { context.effect == "destructive" };`

test('what a policy permits and none forbids is allowed, and the policy is named', () => {
  assert.deepEqual(engine(PERMIT).judge(asked()), { kind: 'allow', policies: ['all'] })
})

// PO-001
test('without a permit everything is denied', () => {
  const verdict = engine('').judge(asked())
  assert.deepEqual(verdict, { kind: 'deny', why: 'unpermitted', policies: [] })
})

// PO-002, PO-006, PO-008
test('a forbid beats any permit, with its message and never its rule', () => {
  const text = `${PERMIT} ${onDestructive('@id("no-delete") @message("Ask for a ticket first")')}`
  const verdict = engine(text).judge(asked())
  assert.ok(verdict.kind === 'deny' && verdict.why === 'forbidden')
  assert.equal(
    refusalOf(verdict),
    'Nothing was executed. The policy "no-delete" does not allow it: Ask for a ticket first. The same call will be refused again. Tell the user that it is not allowed, and go on without it.',
  )
})

test('a forbid that asks is lifted by the approval of its group, and by no other', () => {
  const one = engine(`${PERMIT} ${onDestructive('@id("sre") @ask("sre") @quorum("2")')}`)
  const verdict = one.judge(asked())
  assert.ok(verdict.kind === 'ask')
  assert.deepEqual(verdict.asks, [{ group: 'sre', quorum: 2, policies: ['sre'] }])
  assert.match(refusalOf(verdict), /asks for the approval of 2 people of "sre"/)
  const approved = (groups: readonly string[]) =>
    one.judge(asked({ approval: { groups, people: 2 } })).kind
  assert.equal(approved(['sre']), 'allow')
  assert.equal(approved(['sales']), 'deny')
  assert.equal(one.judge(asked()).kind, 'ask')
})

// PO-003
test('asking is offered only where a yes would suffice', () => {
  const ask = onDestructive('@id("ask") @ask("sre")')
  const both = engine(`${PERMIT} ${ask} ${onDestructive('@id("never")')}`)
  assert.equal(both.judge(asked()).kind, 'deny')
  const unpermitted = engine(ask)
  assert.equal(unpermitted.judge(asked()).kind, 'deny')
  const two = engine(`${PERMIT} ${ask} ${onDestructive('@id("legal") @ask("legal")')}`)
  const verdict = two.judge(asked())
  assert.deepEqual(verdict.kind === 'ask' && verdict.asks.map(({ group }) => group), [
    'sre',
    'legal',
  ])
})

// PO-005
test('a policy that cannot be evaluated denies, though another permits', () => {
  const text = `${PERMIT} @id("sum") forbid(principal, action, resource) when { context.delegation * 9007199254740991 * 9007199254740991 > 3 };`
  assert.equal(engine(text).judge(asked()).kind, 'allow')
  const verdict = engine(text).judge(asked({ delegation: 1 }))
  assert.ok(verdict.kind === 'deny' && verdict.why === 'broken')
  assert.deepEqual(verdict.policies, ['sum'])
  assert.match(
    refusalOf(verdict),
    /^Nothing was executed\. The policy "sum" could not be evaluated/,
  )
})

// PO-016
test('arguments are seen by path and type, and what is not seen whole is denied', () => {
  const text = `${PERMIT} @id("tmp") forbid(principal, action == Action::"call", resource)
    unless { context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/tmp/*" };`
  const one = engine(text)
  assert.equal(one.judge(asked()).kind, 'allow')
  assert.equal(one.judge(asked({ arguments: { path: '/etc/passwd' } })).kind, 'deny')
  assert.equal(one.judge(asked({ arguments: { path: ['/tmp/x'] } })).kind, 'deny')
  const verdict = one.judge(asked({ arguments: { path: '/tmp/x', 'a.b': 1, a: { b: 2 } } }))
  assert.ok(verdict.kind === 'deny' && verdict.why === 'unseen')
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`k${String(at)}`, at]))
  assert.equal(one.judge(asked({ arguments: many })).kind, 'deny')
})

test('lists show what some arguments would allow, and hide what none would', () => {
  const text = `@id("tmp") permit(principal, action, resource)
    when { context.effect == "destructive" && context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/tmp/*" };`
  const one = engine(text)
  const { arguments: _none, ...line } = asked()
  assert.equal(one.isListed(line), true)
  assert.equal(one.isListed({ ...line, effect: 'read' }), false)
  const hidden = `${PERMIT} @id("hide") forbid(principal, action == Action::"list", resource == Tool::"files/delete_file");`
  const other = engine(hidden)
  assert.equal(other.isListed(line), false)
  assert.equal(other.judge(asked()).kind, 'allow')
  assert.equal(other.isListed({ ...line, resource: { ...line.resource, name: 'read' } }), true)
})

test('what waits for a yes is listed', () => {
  const one = engine(`${PERMIT} ${onDestructive('@id("sre") @ask("sre")')}`)
  assert.equal(one.isListed(asked()), true)
})

test('groups, agents and the hour are facts', () => {
  const text = `@id("ops") permit(principal in Group::"ops", action, resource) when { context.time.hour >= 9 && context.time.hour < 17 && context.time.weekday != "sun" };
    @id("bot") forbid(principal, action, resource) when { context.agents.contains(Agent::"bot") };`
  const one = engine(text)
  const ops = { ...asked().principal, groups: ['ops'] }
  assert.equal(one.judge(asked()).kind, 'deny')
  assert.equal(one.judge(asked({ principal: ops })).kind, 'allow')
  assert.equal(one.judge(asked({ principal: ops, agents: ['bot'] })).kind, 'deny')
  const evening = momentAt(Date.UTC(2026, 10, 23, 20))
  assert.equal(one.judge(asked({ principal: ops, moment: evening })).kind, 'deny')
})

test('strange arguments are judged or denied, and never harm what comes after', () => {
  const text = `${PERMIT} @id("no-secret") forbid(principal, action == Action::"call", resource)
    when { context.arguments.text.hasTag("t") && context.arguments.text.getTag("t") like "*secret*" };`
  const one = engine(text)
  const kindOf = (args: Json): string => one.judge(asked({ arguments: args })).kind
  let deep: Json = 'x'
  for (let depth = 0; depth < 1_000; depth++) deep = { a: deep }
  assert.equal(kindOf(deep), 'deny')
  assert.equal(kindOf({ t: `${'x'.repeat(1_000_000)}secret` }), 'deny')
  assert.equal(kindOf({ t: 'x'.repeat(1_000_000) }), 'allow')
  for (const half of [{ t: '\uD800' }, { '\uD800': 1 }, { list: ['\uD800'] }]) {
    const verdict = one.judge(asked({ arguments: half }))
    assert.ok(verdict.kind === 'deny' && verdict.why === 'unseen')
  }
  assert.equal(
    kindOf({ ['__proto__']: { t: 'secret' }, __entity: 'x', __extn: { fn: 'ip' } }),
    'allow',
  )
  assert.equal(kindOf({ t: '\u0000 secret' }), 'deny')
  assert.equal(kindOf({ '': 'secret' }), 'deny')
  assert.equal(kindOf({ n: 1e300, m: -0.00001, big: 2 ** 53, t: 'fine' }), 'allow')
  assert.equal(kindOf(null), 'allow')
})

test('names that look alike are not the same name', () => {
  const one = engine(`@id("a") permit(principal, action, resource == Tool::"files/pay");`)
  const named = (name: string): string =>
    one.judge(asked({ resource: { type: 'Tool', server: 'files', name } })).kind
  assert.equal(named('pay'), 'allow')
  for (const name of ['p\u0430y', 'pay ', 'PAY', 'pay\u200B', 'x/../pay'])
    assert.equal(named(name), 'deny')
})

// PO-010
test('what is decided about one tool is not remembered of another, however a scope names it', () => {
  for (const named of ['==', 'in', 'is Tool in']) {
    const text = `${PERMIT} @id("f") forbid(principal, action, resource ${named} Tool::"files/drop");`
    const one = engine(text)
    const { resource } = asked()
    const drop = asked({ resource: { ...resource, name: 'drop' } })
    assert.deepEqual([one.judge(asked()).kind, one.isListed(asked())], ['allow', true], named)
    assert.deepEqual([one.judge(drop).kind, one.isListed(drop)], ['deny', false], named)
  }
})
