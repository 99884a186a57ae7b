import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isDeeperThan } from './json.ts'
import {
  LEGACY_REVISIONS,
  missingCapability,
  MODERN_REVISIONS,
  readCapabilities,
  shapeOf,
  type InputRequest,
} from './mcp.ts'

/** JSON that only the story knows. */
// oxlint-disable-next-line typescript/no-explicit-any
type Wire = any

const envelope = fc.record(
  {
    jsonrpc: fc.constantFrom<unknown>('2.0', '2.0', '1.0', 2),
    id: fc.oneof(fc.integer(), fc.string(), fc.constantFrom(null, 1.5, true, 2 ** 60)),
    method: fc.oneof(fc.string(), fc.constant(7)),
    params: fc.jsonValue({ maxDepth: 1 }),
    result: fc.jsonValue({ maxDepth: 1 }),
    error: fc.oneof(
      fc.jsonValue({ maxDepth: 1 }),
      fc.record({ code: fc.integer(), message: fc.string() }),
    ),
  },
  { requiredKeys: [] },
)

test('every JSON value is exactly one of request, notification, response and nothing', () => {
  // V-053, H-093, H-094
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), envelope), (value: Wire) => {
      const shape = shapeOf(value)
      switch (shape.kind) {
        case 'request':
          assert.deepEqual([typeof shape.message.method, shape.message.id], ['string', value.id])
          return
        case 'notification':
          assert.ok(!('id' in shape.message))
          return
        case 'response':
          assert.ok('result' in shape.message !== 'error' in shape.message)
          return
        case 'invalid':
          assert.ok(shape.id === undefined || shape.id === value.id)
          assert.notEqual(shape.why, '')
      }
    }),
    { numRuns: 1_000 },
  )
})

test('depth is counted in brackets outside of texts', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
      : 0
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: 'large' }), fc.nat(6), (value, limit) => {
      assert.equal(isDeeperThan(JSON.stringify(value), limit), depthOf(value) > limit)
    }),
    { numRuns: 500 },
  )
})

const ALL = [...LEGACY_REVISIONS, ...MODERN_REVISIONS]
const REQUESTS: readonly InputRequest[] = [
  { method: 'roots/list' },
  { method: 'sampling/createMessage', params: {} },
  { method: 'sampling/createMessage', params: { tools: [] } },
  { method: 'elicitation/create', params: {} },
  { method: 'elicitation/create', params: { mode: 'form' } },
  { method: 'elicitation/create', params: { mode: 'url' } },
]

test('what is declared is normalised once: reading it again changes nothing', () => {
  // V-050, I-004, I-040
  fc.assert(
    fc.property(
      fc.constantFrom(...ALL),
      fc.oneof(
        fc.jsonValue({ maxDepth: 3 }),
        fc.dictionary(
          fc.constantFrom('elicitation', 'sampling', 'roots', 'tasks', 'extensions'),
          fc.jsonValue(),
        ),
      ),
      (revision, declared) => {
        const once = readCapabilities(declared, revision)
        assert.deepEqual(readCapabilities(once, revision), once)
        assert.ok(!('tasks' in once))
        if (revision === '2025-03-26') assert.equal(once.elicitation, undefined)
        if (revision === '2025-06-18') assert.equal(once.elicitation?.url, undefined)
        for (const request of REQUESTS) {
          const missing = missingCapability(request, once)
          // Whoever declares what was missing can be asked.
          if (missing) assert.equal(missingCapability(request, { ...once, ...missing }), undefined)
        }
      },
    ),
  )
})

test('an empty elicitation capability means forms, and an elicitation without a mode is a form', () => {
  // I-040
  const given = readCapabilities({ elicitation: {} }, '2025-11-25')
  assert.equal(missingCapability({ method: 'elicitation/create', params: {} }, given), undefined)
  assert.deepEqual(
    missingCapability({ method: 'elicitation/create', params: { mode: 'url' } }, given),
    {
      elicitation: { url: {} },
    },
  )
})
