import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ENTRIES } from '../../src/ledger/entries.ts'
import { schemaFile, schemaText } from './entries-schema.ts'

test('The published JSON Schema of entries is the one they are written by', () => {
  assert.equal(
    readFileSync(schemaFile, 'utf8'),
    schemaText,
    'run: node packages/contract/test/pins/entries-schema.ts --write',
  )
})

test('Every kind of entry is in the table of docs/ledger-format.md, and no other', () => {
  const docs = readFileSync(new URL('../../../../docs/ledger-format.md', import.meta.url), 'utf8')
  const table = docs.slice(docs.indexOf('## Kinds of entries'), docs.indexOf('## The tree'))
  const rows = table.split('\n').filter((line) => line.startsWith('| `'))
  const told = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([\w.-]+)`/g)].map(([, kind]) => kind),
  )
  assert.equal(told.length, new Set(told).size)
  assert.deepEqual(new Set(told), new Set(Object.keys(ENTRIES)))
})
