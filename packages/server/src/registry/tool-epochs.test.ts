import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EFFECTS, type Definition, type Effect } from '@countersign/contract'
import { covers } from '#auth'
import { openStore } from '#store'
import { REGISTRY_TABLES } from './sqlite-catalog.ts'
import { makeRules } from './rules.ts'
import { toolEpochs } from './tool-epochs.ts'

interface Shape {
  readonly digest: string
  readonly effect: Effect
}
type Shown = Readonly<Partial<Record<string, Shape>>>

const hints: Readonly<Record<Effect, object>> = {
  read: { readOnlyHint: true },
  idempotent: { destructiveHint: false, idempotentHint: true },
  write: { destructiveHint: false },
  destructive: {},
}

const toolsOf = (shown: Shown): readonly Definition[] =>
  Object.entries(shown).flatMap(([name, shape]) =>
    shape
      ? [
          {
            server: 's',
            kind: 'tool' as const,
            name,
            digest: shape.digest,
            body: { name, annotations: { ...hints[shape.effect] } },
          },
        ]
      : [],
  )

const open = () => toolEpochs(openStore(':memory:', [REGISTRY_TABLES]), makeRules({}))

const shape: fc.Arbitrary<Shape> = fc.record({
  digest: fc.constantFrom('1', '2'),
  effect: fc.constantFrom(...EFFECTS),
})
const shown: fc.Arbitrary<Shown> = fc.record({ a: shape, b: shape, c: shape }, { requiredKeys: [] })
const scope = fc.constantFrom('s:read', 's:write', 's:admin')

test('a class scope never comes to cover a tool that is new, riskier or defined anew', () => {
  // AS38
  fc.assert(
    fc.property(fc.array(shown, { minLength: 1, maxLength: 8 }), scope, (history, held) => {
      const epochs = open()
      const listings = history.map((tools) => {
        const since = epochs.stand('s', toolsOf(tools))
        return { tools, since, at: epochs.now() }
      })
      const now = listings.at(-1)
      for (const given of listings) {
        for (const [name, tool] of Object.entries(now?.tools ?? {})) {
          if (!tool) continue
          const wanted = {
            server: 's',
            tool: name,
            effect: tool.effect,
            since: now?.since.get(name),
          }
          if (!covers([held], wanted, given.at)) continue
          // Whoever holds it may call this. At the latest listing of the time it was given …
          const then = listings.findLast(({ at }) => at === given.at)?.tools[name]
          assert.ok(then, `${name} was not there`)
          assert.ok(covers([held], { server: 's', tool: name, effect: then.effect }))
          const isSafer = EFFECTS.indexOf(tool.effect) < EFFECTS.indexOf(then.effect)
          assert.ok(then.digest === tool.digest || isSafer, `${name} is another`)
          assert.ok(EFFECTS.indexOf(tool.effect) <= EFFECTS.indexOf(then.effect))
        }
      }
    }),
  )
})

test('what stays as it is stays covered, whatever happens beside it', () => {
  fc.assert(
    fc.property(shape, fc.array(shown, { maxLength: 6 }), (stays, history) => {
      const epochs = open()
      epochs.stand('s', toolsOf({ z: stays }))
      const given = epochs.now()
      let since = new Map()
      for (const tools of history)
        since = new Map(epochs.stand('s', toolsOf({ ...tools, z: stays })))
      const wanted = { server: 's', tool: 'z', effect: stays.effect, since: since.get('z') }
      assert.ok(covers(['s:admin'], wanted, given))
    }),
  )
})

test('the tools of a first listing are those that scopes were given for before', () => {
  const epochs = open()
  const given = epochs.now()
  const since = epochs.stand('s', toolsOf({ a: { digest: '1', effect: 'read' } })).get('a')
  assert.ok(covers(['s:read'], { server: 's', tool: 'a', effect: 'read', since }, given))
})

test('another server under the same name inherits nothing', () => {
  const epochs = open()
  const tools = toolsOf({ a: { digest: '1', effect: 'read' } })
  epochs.stand('s', tools)
  const given = epochs.now()
  epochs.replace('s')
  const since = epochs.stand('s', tools).get('a')
  const wanted = { server: 's', tool: 'a', effect: 'read', since } as const
  assert.equal(covers(['s:read'], wanted, given), false)
  assert.equal(covers(['s:read'], wanted, epochs.now()), true)
})

test('a tool that comes back as it was is no news, and what the operator says of one is', () => {
  const store = openStore(':memory:', [REGISTRY_TABLES])
  const epochs = toolEpochs(store, makeRules({}))
  const tools = toolsOf({ a: { digest: '1', effect: 'read' } })
  epochs.stand('s', tools)
  const given = epochs.now()
  epochs.stand('s', [])
  const back = epochs.stand('s', tools).get('a')
  const wanted = { server: 's', tool: 'a', effect: 'read' } as const
  assert.ok(covers(['s:read'], { ...wanted, since: back }, given))
  const decided = toolEpochs(store, makeRules({ s: { a: { effect: 'write' } } }))
  const since = decided.stand('s', tools).get('a')
  assert.equal(covers(['s:write'], { ...wanted, effect: 'write', since }, given), false)
})
