import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathOnOrigin } from './way-back.ts'

const ORIGIN = 'https://mcp.example'

test('AS16: whoever signed in is sent to a path of ours, whatever the link said', () => {
  const given = '/oauth/interaction/abc?x=1&y=/z'
  assert.equal(pathOnOrigin(given, ORIGIN), given)
  for (const elsewhere of [
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/%2e//evil.example',
    '/a/..//evil.example',
    '/.\\/evil.example',
    '/a/%2E%2e/\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/a b',
    '',
    'oauth',
    `/${'a'.repeat(9_000)}`,
    null,
  ]) {
    assert.equal(pathOnOrigin(elsewhere, ORIGIN), undefined, String(elsewhere))
  }
})
