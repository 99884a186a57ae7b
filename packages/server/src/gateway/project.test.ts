import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  LEGACY_REVISIONS,
  MODERN_REVISIONS,
  type JsonObject,
  type Revision,
} from '@countersign/contract'
import {
  needsWrap,
  projectError,
  projectResult,
  projectTool,
  projectToolResult,
} from './project.ts'

/** JSON that only the story knows. */
// oxlint-disable-next-line typescript/no-explicit-any
type Wire = any

const revisions = fc.constantFrom<Revision>(...LEGACY_REVISIONS, ...MODERN_REVISIONS)
const legacy = fc.constantFrom<Revision>(...LEGACY_REVISIONS)
const MODERN = MODERN_REVISIONS[0]

const MODERN_WORDS = ['resultType', 'ttlMs', 'cacheScope', 'inputRequests', 'requestState']
const LEGACY_WORDS = ['task', 'execution']
const metaKeys = fc.constantFrom(
  'io.modelcontextprotocol/serverInfo',
  'io.modelcontextprotocol/related-task',
  'io.modelcontextprotocol/subscriptionId',
  'x.mcp/y',
  'vendor/key',
  'traceparent',
)
const results = fc
  .record(
    {
      content: fc.array(fc.record({ type: fc.constantFrom('text', 'image'), text: fc.string() })),
      structuredContent: fc.jsonValue({ maxDepth: 1 }),
      _meta: fc.dictionary(metaKeys, fc.jsonValue({ maxDepth: 1 })),
      ...Object.fromEntries(
        [...MODERN_WORDS, ...LEGACY_WORDS].map((key) => [
          key,
          fc.constantFrom<unknown>('complete', 0, {}),
        ]),
      ),
    },
    { requiredKeys: [] },
  )
  .map((one) => one as JsonObject)

const keysOf = (value: Wire): readonly string[] => Object.keys(value ?? {})

test('a legacy result has no modern vocabulary, and keeps everything else', () => {
  // BR-008, F-056, H-090, V-007
  fc.assert(
    fc.property(results, legacy, (result, revision) => {
      const shown = projectResult(result, revision, {
        'dev.countersign/receipt': { call: 'c' },
      }) as Wire
      for (const word of MODERN_WORDS) assert.ok(!(word in shown), word)
      for (const key of keysOf(shown._meta)) assert.ok(!key.includes('modelcontextprotocol'), key)
      assert.deepEqual(shown.content, result['content'])
      assert.ok('dev.countersign/receipt' in shown._meta)
    }),
  )
})

test('a modern result has its type and our identity, and no legacy vocabulary', () => {
  // V-031, V-041, V-046, V-047
  fc.assert(
    fc.property(results, (result) => {
      const shown = projectResult(result, MODERN) as Wire
      assert.ok(shown.resultType !== undefined)
      for (const word of LEGACY_WORDS) assert.ok(!(word in shown), word)
      assert.equal(shown._meta['io.modelcontextprotocol/serverInfo'].name, 'countersign')
      assert.ok(!('io.modelcontextprotocol/related-task' in shown._meta))
      const vendor = (result as Wire)._meta?.['vendor/key']
      if (vendor !== undefined) assert.deepEqual(shown._meta['vendor/key'], vendor)
    }),
  )
})

test('what was shown once is shown the same when it is projected again', () => {
  fc.assert(
    fc.property(results, revisions, (result, revision) => {
      const once = projectResult(result, revision)
      assert.deepEqual(projectResult(once, revision), once)
    }),
  )
})

const outputs = fc.oneof(
  fc.constant({ type: 'object', properties: {} }),
  fc.constant({
    type: 'array',
    items: { $ref: '#/$defs/item' },
    $defs: { item: { type: 'string' } },
  }),
  fc.constant({ type: 'string' }),
  fc.constant({}),
  fc.constant(true),
)

test('an output schema and its values are wrapped together or not at all', () => {
  // F-009, F-010, F-011, V-006
  fc.assert(
    fc.property(
      outputs,
      fc.jsonValue({ maxDepth: 1 }),
      revisions,
      (outputSchema, structuredContent, revision) => {
        const tool = { name: 't', inputSchema: { type: 'object' }, outputSchema } as JsonObject
        const shown = projectTool(tool, revision) as Wire
        const result = { content: [], structuredContent } as JsonObject
        const said = projectToolResult(result, revision, needsWrap(tool)) as Wire
        if (revision === '2025-03-26') {
          assert.ok(!('outputSchema' in shown) && !('structuredContent' in said))
          return
        }
        if (revision === MODERN) assert.deepEqual(shown.outputSchema, outputSchema)
        else assert.equal(shown.outputSchema.type, 'object')
        const isWrapped = revision !== MODERN && needsWrap(tool)
        const isObject =
          typeof structuredContent === 'object' &&
          structuredContent !== null &&
          !Array.isArray(structuredContent)
        // A legacy client's parser breaks on anything but an object, so a broken promise is dropped.
        const kept = revision === MODERN || isObject ? structuredContent : undefined
        assert.deepEqual(said.structuredContent, isWrapped ? { result: structuredContent } : kept)
        if (isWrapped) assert.deepEqual(shown.outputSchema.required, ['result'])
      },
    ),
  )
})

test('local references of a wrapped schema still lead to what they meant', () => {
  // F-009
  const outputSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'array',
    items: { $ref: '#/$defs/item' },
    $defs: { item: { anyOf: [{ $ref: '#' }, { type: 'string' }] } },
  }
  const shown = projectTool({ name: 't', outputSchema }, '2025-11-25') as Wire
  assert.equal(shown.outputSchema.$schema, outputSchema.$schema)
  const inner = shown.outputSchema.properties.result
  assert.equal(inner.items.$ref, '#/properties/result/$defs/item')
  assert.equal(inner.$defs.item.anyOf[0].$ref, '#/properties/result')
})

test('no error says more about the upstream’s hop than this hop may', () => {
  // H-090, H-091, H-092, F-030, F-031, I-046
  fc.assert(
    fc.property(
      fc.oneof(
        fc.integer({ min: -32_100, max: -31_990 }),
        fc.integer(),
        fc.constantFrom(-32_002, -32_042, -32_602),
      ),
      revisions,
      fc.option(fc.constant('x://y'), { nil: undefined }),
      (code, revision, uri) => {
        const shown = projectError({ code, message: 'm' }, revision, uri)
        const isReserved = shown.code <= -32_000 && shown.code >= -32_099
        if (isReserved && revision === MODERN) assert.fail(String(shown.code))
        if (isReserved) assert.ok([-32_002, -32_042].includes(shown.code), String(shown.code))
        if (shown.code === -32_042) assert.equal(revision, '2025-11-25')
        assert.equal(shown.message, 'm')
      },
    ),
  )
})
