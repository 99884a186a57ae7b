import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSound, traceKey } from '#telemetry'
import { FAULTS, META } from '@countersign/contract'
import { isReserved, ownParams, read, type Headers } from './read.ts'

/** JSON that only the story knows. */
// oxlint-disable-next-line typescript/no-explicit-any
type Wire = any

const VERSIONS = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2027-01-01', '']
const METHODS = [
  'tools/call',
  'tools/list',
  'initialize',
  'server/discover',
  'tasks/get',
  '__proto__',
]

const meta = fc.record(
  {
    [META.protocolVersion]: fc.oneof(fc.constantFrom(...VERSIONS), fc.jsonValue({ maxDepth: 1 })),
    [META.clientCapabilities]: fc.oneof(fc.constant({}), fc.jsonValue({ maxDepth: 1 })),
    [META.logLevel]: fc.constantFrom<unknown>('debug', 'loud', 7),
    progressToken: fc.jsonValue({ maxDepth: 1 }),
  },
  { requiredKeys: [] },
)
const params = fc.record(
  {
    name: fc.constantFrom<unknown>('echo', 'other', 7),
    _meta: fc.oneof(meta, fc.jsonValue({ maxDepth: 1 })),
  },
  { requiredKeys: [] },
)
const message = fc.record(
  {
    jsonrpc: fc.constantFrom<unknown>('2.0', '2.0', '2.0', 2),
    id: fc.constantFrom<unknown>(0, 'x', null, 1.5),
    method: fc.constantFrom<unknown>(...METHODS, 7),
    params: fc.oneof(params, fc.jsonValue({ maxDepth: 1 })),
    result: fc.constant({}),
  },
  { requiredKeys: ['jsonrpc'] },
)
const bodies = fc.oneof(
  { weight: 6, arbitrary: message },
  { weight: 1, arbitrary: fc.array(message, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.jsonValue() },
)
const headers = fc.record(
  {
    'mcp-protocol-version': fc.constantFrom(...VERSIONS),
    'mcp-method': fc.constantFrom(...METHODS),
    'mcp-name': fc.constantFrom('echo', 'other', '=?base64?ZWNobw==?=', '=?base64?x?='),
  },
  { requiredKeys: [] },
)

const claimOf = (body: Wire): boolean =>
  typeof body?.params?._meta === 'object' &&
  body.params._meta !== null &&
  !Array.isArray(body.params._meta) &&
  Object.hasOwn(body.params._meta, META.protocolVersion)

test('every body under any headers is one of six things, and a fault has a status of its own', () => {
  // H-002, H-003, H-004, H-005, H-006, H-010, H-011
  fc.assert(
    fc.property(bodies, headers, (body: Wire, head: Headers) => {
      const incoming = read(body, head)
      const version = head['mcp-protocol-version']
      switch (incoming.kind) {
        case 'modern':
          assert.ok(claimOf(body))
          assert.equal(version, '2026-07-28')
          assert.equal(head['mcp-method'], body.method)
          assert.equal(body.params._meta[META.protocolVersion], version)
          return
        case 'modern-notification':
          assert.ok(!('id' in body) && (claimOf(body) || version === '2026-07-28'))
          return
        case 'legacy':
          assert.ok(!claimOf(body) || !('method' in body))
          return
        case 'batch':
          assert.ok(Array.isArray(body) && body.length > 0)
          return
        case 'fault': {
          const { http, rpc } = FAULTS[incoming.fault.code]
          assert.ok(http >= 200 && Number.isInteger(rpc))
          assert.ok(incoming.id === undefined || incoming.id === body.id)
          assert.ok(incoming.fault.message.length < 500)
        }
      }
    }),
    { numRuns: 3_000 },
  )
})

test('without headers, as over stdio, nothing is cross-checked and nothing else changes', () => {
  // S-006
  fc.assert(
    fc.property(bodies, (body: Wire) => {
      const bare = read(body, undefined)
      const claimed = body?.params?._meta?.[META.protocolVersion]
      const whole = read(body, {
        ...(claimOf(body) && typeof claimed === 'string'
          ? { 'mcp-protocol-version': claimed }
          : {}),
        ...(typeof body?.method === 'string' ? { 'mcp-method': body.method } : {}),
        ...(typeof body?.params?.name === 'string' ? { 'mcp-name': body.params.name } : {}),
      })
      const isHeaderFault = (one: typeof bare): boolean =>
        one.kind === 'fault' && one.fault.code === 'rpc/header-mismatch'
      assert.ok(!isHeaderFault(bare))
      if (!isHeaderFault(whole)) assert.equal(whole.kind, bare.kind)
    }),
    { numRuns: 1_000 },
  )
})

const keys = fc.oneof(
  fc.constantFrom(
    'io.modelcontextprotocol/x',
    'a.mcp/y',
    'x.mcp.z/y',
    'mcp/x',
    'progressToken',
    'traceparent',
    'claudecode/toolUseId',
    '__proto__',
    'a/b/c',
  ),
  fc.string(),
)

test('only vendor keys of the metadata go on, whatever else a request carries', () => {
  // V-043, V-046, V-047
  fc.assert(
    fc.property(
      fc.dictionary(keys, fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (metadata, rest) => {
        const { _meta, ...more } = ownParams({ ...rest, _meta: metadata })
        for (const key of Object.keys(_meta ?? {})) assert.ok(!isReserved(key))
        // What only looks like a trace is no vendor's (TE-002).
        const isOther = (key: string): boolean => traceKey(key) === undefined
        const kept = Object.entries(metadata)
          .filter(([key, value]) => isOther(key) || isSound(traceKey(key) ?? 'baggage', value))
          .map(([key]) => key)
          .filter((key) => !isReserved(key))
        assert.deepEqual(Object.keys(_meta ?? {}).toSorted(), kept.toSorted())
        for (const own of ['inputResponses', 'requestState', 'task']) assert.ok(!(own in more))
      },
    ),
  )
})
