import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { schemaFile, schemaText } from './config-schema.ts'

test('The published JSON Schema is the one the configuration is read with', () => {
  assert.equal(
    readFileSync(schemaFile, 'utf8'),
    schemaText,
    'run: node packages/server/test/pins/config-schema.ts --write',
  )
})
