import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mediaType } from './media-type.ts'

// H-026
test('media types are compared without parameters and case', () => {
  assert.equal(
    mediaType({ 'content-type': 'Application/JSON ; charset=utf-8' }),
    'application/json',
  )
  assert.equal(mediaType({}), '')
})
