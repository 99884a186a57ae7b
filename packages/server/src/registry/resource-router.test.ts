import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Definition } from '@countersign/contract'
import { routeResources } from './resource-router.ts'

const SERVERS = ['a', 'b', 'c']
const uris = fc.oneof(
  fc.constantFrom(
    'file:///x',
    'file:///y',
    'test://1',
    'test://1/2',
    'countersign://a/file:///x',
    '',
  ),
  fc.webUrl(),
)
const templates = fc.constantFrom(
  'file:///{path}',
  'test://{id}',
  'test://{id}/{part}',
  '{anything}',
  'x{',
)
const claims = fc.uniqueArray(
  fc
    .record({
      server: fc.constantFrom(...SERVERS),
      one: fc.oneof(
        fc.record({ kind: fc.constant('resource' as const), name: uris }),
        fc.record({ kind: fc.constant('template' as const), name: templates }),
      ),
    })
    .map(({ server, one }): Definition => ({ server, ...one, digest: '', body: {} })),
  { selector: ({ server, kind, name }) => `${server} ${kind} ${name}`, maxLength: 12 },
)

test('what a view shows of a resource leads back to the server and the URI it came from', () => {
  // F-007
  fc.assert(
    fc.property(claims, (given) => {
      const router = routeResources(SERVERS, given)
      for (const { server, name, kind } of given) {
        if (kind !== 'resource') continue
        const shown = router.outward(server, name)
        // A server may claim what looks like our own form; then it is not told apart.
        if (name.startsWith('countersign://')) continue
        assert.deepEqual(router.inward(shown), { server, uri: name })
        if (shown !== name)
          assert.ok(
            router.rewrites(server) ||
              !given.some((one) => one.name === name && one.server !== server),
          )
      }
    }),
    { numRuns: 500 },
  )
})

test('nothing is shown otherwise unless another server could mean it too', () => {
  fc.assert(
    fc.property(claims, (given) => {
      const own = given.filter(({ server }) => server === 'a')
      const router = routeResources(SERVERS, own)
      for (const { name } of own) assert.equal(router.outward('a', name), name)
      const alone = routeResources(['a'], given)
      for (const { name } of given) assert.equal(alone.outward('a', name), name)
    }),
  )
})

test('the answer does not depend on the order in which servers are configured', () => {
  // F-006
  fc.assert(
    fc.property(claims, uris, (given, uri) => {
      const forwards = routeResources(SERVERS, given)
      const backwards = routeResources(SERVERS.toReversed(), given.toReversed())
      assert.deepEqual(forwards.inward(uri), backwards.inward(uri))
      for (const server of SERVERS)
        assert.equal(forwards.outward(server, uri), backwards.outward(server, uri))
    }),
  )
})

test('a URI or template from anybody routes somewhere or nowhere, in bounded time', () => {
  // F-034
  const hostile = `${'{a}/'.repeat(2_000)}x`
  const router = routeResources(SERVERS, [
    { server: 'a', kind: 'template', name: hostile, digest: '', body: {} },
    { server: 'b', kind: 'template', name: '{{{}}}', digest: '', body: {} },
  ])
  for (const uri of [
    `${'y/'.repeat(2_000)}x`,
    'y/'.repeat(100_000),
    'countersign://',
    'countersign:///',
    'countersign://b',
    'countersign://zzz/x',
    '__proto__',
  ]) {
    const found = router.inward(uri)
    assert.ok(found === undefined || SERVERS.includes(found.server))
  }
  assert.equal(routeResources(SERVERS, []).inward('x://y'), undefined)
  assert.deepEqual(routeResources(['a'], []).inward('x://y'), { server: 'a', uri: 'x://y' })
})
