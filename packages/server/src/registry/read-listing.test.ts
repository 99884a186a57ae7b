import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, Kind } from '@countersign/contract'
import { readListing } from './read-listing.ts'

const read = (kind: Kind, items: readonly JsonObject[]) =>
  readListing('peer', kind, { items, ttlMs: 0, problems: [] }, false)

test('a name that is too long is left out, and not repeated in the problem', () => {
  for (const [kind, key, most] of [
    ['tool', 'name', 512],
    ['prompt', 'name', 512],
    ['resource', 'uri', 2_048],
    ['template', 'uriTemplate', 2_048],
  ] as const) {
    const inputSchema = { type: 'object' }
    const longest = 'n'.repeat(most)
    const { sound, problems } = read(kind, [
      { [key]: longest, inputSchema },
      { [key]: `${longest}n`, inputSchema },
    ])
    assert.deepEqual(
      sound.map(({ name }) => name),
      [longest],
    )
    assert.equal(problems.length, 1)
    assert.ok((problems[0]?.length ?? 0) < 200)
    assert.match(problems.join(), new RegExp(`${String(most + 1)} characters`))
  }
})
