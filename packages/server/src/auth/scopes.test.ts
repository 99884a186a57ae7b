import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EFFECTS } from '@countersign/contract'
import type { TokenPrincipal } from './principal.ts'
import {
  classesOf,
  classScope,
  covers,
  DISCOVER,
  isOfServers,
  mayDiscover,
  reach,
  requiredScopes,
  toolScope,
  type Wanted,
} from './scopes.ts'

const server = fc.stringMatching(/^[a-z][a-z0-9]{0,6}(?:[-_][a-z0-9]{1,4})?$/)
const tool = fc.oneof(
  fc.stringMatching(/^[\w.-]{1,20}$/),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
)
const wanted: fc.Arbitrary<Wanted> = fc.record({
  server,
  tool: fc.option(tool, { nil: undefined }),
  effect: fc.constantFrom(...EFFECTS),
})
const stepUp = fc.constantFrom('tool' as const, 'class' as const, 'off' as const)

const who = (scopes: readonly string[], step: TokenPrincipal['stepUp']): TokenPrincipal => ({
  id: 'https://idp.example#ada',
  proof: 'bearer',
  issuer: 'https://idp.example',
  subject: 'ada',
  scopes,
  actors: [],
  tokenId: 't',
  expiresAt: 0,
  stepUp: step,
})

test('what is asked for is enough, can stand in a header, and lets in', () => {
  // RS14
  fc.assert(
    fc.property(wanted, stepUp, (want, step) => {
      const needed = requiredScopes(want, step)
      assert.ok(covers(needed, want))
      assert.ok(mayDiscover(needed, [want.server]))
      // RFC 6749 §3.3
      for (const scope of needed) assert.match(scope, /^[\u0021\u0023-\u005B\u005D-\u007E]+$/)
    }),
  )
})

test('the scope of one tool covers no other, whatever they are called', () => {
  fc.assert(
    fc.property(server, tool, server, tool, (oneServer, oneTool, otherServer, otherTool) => {
      fc.pre(oneServer !== otherServer || oneTool.toWellFormed() !== otherTool.toWellFormed())
      assert.notEqual(toolScope(oneServer, oneTool), toolScope(otherServer, otherTool))
      const want = { server: otherServer, tool: otherTool, effect: 'read' } as const
      assert.ok(!covers([toolScope(oneServer, oneTool)], want))
    }),
  )
})

test('a broader class covers what a narrower one covers, on its own server alone', () => {
  // RS15
  const classes = ['read', 'write', 'admin'] as const
  fc.assert(
    fc.property(wanted, server, fc.nat(2), (want, elsewhere, at) => {
      const [narrow, broad] = [classes[at], classes[Math.min(at + 1, 2)]]
      if (covers([`${want.server}:${narrow}`], want)) {
        assert.ok(covers([`${want.server}:${broad}`], want))
      }
      assert.ok(covers([`${want.server}:admin`], want))
      if (elsewhere !== want.server) assert.ok(!covers([`${elsewhere}:admin`], want))
      assert.ok(!covers([DISCOVER], want))
    }),
  )
})

test('a class covers exactly the effects up to its own', () => {
  const want = (effect: Wanted['effect']): Wanted => ({ server: 's', tool: 't', effect })
  const reached = (scope: string): readonly string[] =>
    EFFECTS.filter((effect) => covers([scope], want(effect)))
  assert.deepEqual(reached('s:read'), ['read'])
  assert.deepEqual(reached('s:write'), ['read', 'idempotent', 'write'])
  assert.deepEqual(reached('s:admin'), [...EFFECTS])
  assert.equal(classScope('s', 'destructive'), 's:admin')
})

test('more scopes never reach less', () => {
  const scope = fc.oneof(
    fc.constant(DISCOVER),
    fc.tuple(server, fc.constantFrom('read', 'write', 'admin')).map((pair) => pair.join(':')),
    fc.tuple(server, tool).map(([s, t]) => toolScope(s, t)),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(scope), fc.array(scope), wanted, stepUp, (some, more, want, step) => {
      const all = [...some, ...more]
      if (covers(some, want)) assert.ok(covers(all, want))
      const judged = reach(who(some, step), want)
      assert.equal(judged === 'held', covers(some, want))
      assert.equal(judged === 'out', !covers(some, want) && step === 'off')
    }),
  )
})

test('local mode reaches everything', () => {
  fc.assert(
    fc.property(wanted, (want) => {
      assert.equal(reach({ id: 'local', proof: 'local' }, want), 'held')
    }),
  )
})

test('a scope is of the server it names, and of no other', () => {
  assert.ok(isOfServers('tool:a.b.c', ['a']))
  assert.ok(isOfServers('a:read', ['a']))
  assert.ok(isOfServers('tool:read', ['tool']))
  assert.ok(isOfServers(DISCOVER, []))
  for (const scope of ['tool:a', 'a:all', 'a:read:x', 'a', ':read', 'tool:.b', 'b:read', '']) {
    assert.ok(!isOfServers(scope, ['a']), scope)
  }
})

const aged = fc
  .tuple(wanted, fc.record({ read: fc.nat(9), write: fc.nat(9), admin: fc.nat(9) }))
  .map(([want, at]): Wanted => {
    const classes = classesOf(want.effect).map((one) => [one, at[one]] as const)
    return { ...want, since: { classes: Object.fromEntries(classes) } }
  })
const epochs = fc.oneof(fc.nat(9), fc.dictionary(fc.constantFrom('a:read', 'b:write'), fc.nat(9)))

test('what is frozen covers no more than what grows, and what it lacks can be asked for', () => {
  // AS38, RS4
  fc.assert(
    fc.property(aged, stepUp, epochs, (want, step, at) => {
      const held = [classScope(want.server, want.effect)]
      const frozen = { ...who(held, step), epochs: at }
      const isCovered = covers(held, want, at)
      assert.ok(!isCovered || covers(held, want))
      // Lists and calls: one judgement.
      assert.equal(reach(frozen, want) === 'held', isCovered)
      if (isCovered) return
      const needed = requiredScopes(want, step, frozen)
      assert.ok(want.tool === undefined || covers([...held, ...needed], want, at))
      assert.ok(want.tool === undefined || !held.includes(needed[0] ?? ''))
    }),
  )
})

test('a scope that was given later covers no less', () => {
  fc.assert(
    fc.property(aged, fc.nat(9), fc.nat(9), (want, one, other) => {
      const held = [`${want.server}:admin`]
      const [earlier, later] = [Math.min(one, other), Math.max(one, other)]
      assert.ok(!covers(held, want, earlier) || covers(held, want, later))
    }),
  )
})
