import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { schemaFile, schemaText } from './custody-schema.ts'

// AU-106
test('The published JSON Schema of custody documents is the one they are read by', () => {
  assert.equal(
    readFileSync(schemaFile, 'utf8'),
    schemaText,
    'run: node packages/contract/test/pins/custody-schema.ts --write',
  )
})
