import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exposedNames } from './names.ts'

const things = fc.uniqueArray(
  fc.record({
    server: fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
    name: fc.oneof(
      fc.string({ minLength: 1, maxLength: 90 }),
      fc.stringMatching(/^[a-zA-Z_.-]{1,6}$/),
    ),
  }),
  { selector: ({ server, name }) => `${server}\0${name}`, maxLength: 40 },
)

test('every exposed name is one that every measured client keeps, and no two are equal', () => {
  fc.assert(
    fc.property(things, (given) => {
      const names = exposedNames(given)
      for (const name of names) {
        assert.match(name, /^[a-z][a-z0-9_]*$/)
        assert.ok(name.length <= 45, name)
        assert.doesNotMatch(name, /__|_mcp_|^mcp|_$/)
      }
      assert.equal(new Set(names).size, given.length)
    }),
    { numRuns: 500 },
  )
})

test('a name does not depend on the order in which servers are listed', () => {
  fc.assert(
    fc.property(things, (given) => {
      const forwards = exposedNames(given)
      const backwards = exposedNames(given.toReversed()).toReversed()
      assert.deepEqual(forwards, backwards)
    }),
  )
})

test('an ordinary tool keeps a readable name', () => {
  assert.deepEqual(
    exposedNames([
      { server: 'github', name: 'create-issue' },
      { server: 'files', name: 'read_file' },
    ]),
    ['github_create_issue', 'files_read_file'],
  )
})

test('names that become equal after mapping both carry a hash', () => {
  const [first, second] = exposedNames([
    { server: 'a', name: 'get-x' },
    { server: 'a', name: 'get_x' },
  ])
  assert.match(first!, /^a_get_x_[0-9a-f]{8}$/)
  assert.match(second!, /^a_get_x_[0-9a-f]{8}$/)
})
