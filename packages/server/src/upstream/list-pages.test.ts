import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, Kind } from '@countersign/contract'
import type { Answer } from './flight.ts'
import { listPages } from './list-pages.ts'
import { upstreamFault } from './upstream-fault.ts'

const result = (value: JsonObject): Answer => ({
  kind: 'result',
  result: value,
  text: JSON.stringify({ jsonrpc: '2.0', id: 1, result: value }),
})
const error = (code: number): Answer => ({ kind: 'error', error: { code, message: 'no' } })

const list = async (pages: (at: number) => Answer, kind: Kind = 'tool') => {
  const cursors: unknown[] = []
  const listing = await listPages({
    server: 'peer',
    kind,
    capabilities: { tools: {}, resources: {} },
    page: async (_method, params) => {
      cursors.push(params['cursor'])
      return pages(cursors.length - 1)
    },
  })
  return { ...listing, cursors }
}

// F-038, F-052, F-053
test('all pages are read, and the shortest time to live counts', async () => {
  const pages = [
    result({ tools: [{ name: 'a' }], nextCursor: '', ttlMs: 900 }),
    result({ tools: [{ name: 'b' }], ttlMs: 500 }),
  ]
  assert.deepEqual(await list((at) => pages[at] ?? error(-1)), {
    items: [{ name: 'a' }, { name: 'b' }],
    ttlMs: 500,
    problems: [],
    cursors: [undefined, ''],
  })
})

test('a kind that is not declared is empty without being asked for', async () => {
  assert.deepEqual((await list(() => error(-32601), 'prompt')).cursors, [])
})

// F-041
test('a cursor that comes twice ends the reading', async () => {
  const listing = await list(() => result({ tools: [{ name: 'a' }], nextCursor: 'x' }))
  assert.equal(listing.items.length, 2)
  assert.match(listing.problems.join(), /circles/)
})

// F-041
test('an endless list is cut after 64 pages', async () => {
  const listing = await list((at) => result({ tools: [{ name: `t${at}` }], nextCursor: `${at}` }))
  assert.equal(listing.items.length, 64)
  assert.match(listing.problems.join(), /left out/)
})

// F-041
test('a later page that fails costs only itself', async () => {
  const listing = await list((at) =>
    at === 0 ? result({ tools: [{ name: 'a' }], nextCursor: 'x' }) : error(-32603),
  )
  assert.equal(listing.items.length, 1)
  assert.match(listing.problems.join(), /-32603/)
})

test('a first page that fails fails the list, except where nothing is served', async () => {
  await assert.rejects(
    list(() => error(-32603)),
    { code: 'upstream/broken' },
  )
  const fault = upstreamFault('upstream/timeout', 'peer', 'is slow.')
  await assert.rejects(
    list(() => ({ kind: 'lost', fault })),
    { code: 'upstream/timeout' },
  )
  assert.deepEqual((await list(() => error(-32601), 'template')).problems, [])
  assert.equal((await list(() => error(-32601))).problems.length, 1)
})

test('pages that are too much together are cut where they become so', async () => {
  const description = 'x'.repeat(12 * 1_024 * 1_024)
  const listing = await list((at) =>
    result({ tools: [{ name: `t${at}`, description }], nextCursor: `${at}` }),
  )
  assert.deepEqual(
    listing.items.map(({ name }) => name),
    ['t0', 't1'],
  )
  assert.deepEqual(listing.cursors, [undefined, '0', '1'])
  assert.match(listing.problems.join(), /33554432 characters; the rest was left out/)
})
