import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPrincipal } from './check-principal.ts'

test('who is written as no call has them is refused, instead of nobody being stopped (BK-003)', () => {
  const at = 'https://idp.example#'
  for (const id of ['local', `${at}ada`, `${at}bob%40example.com`]) checkPrincipal(id)
  for (const id of ['ada', `${at}bob@example.com`, `${at}100%`, `${at}a#b`, `${at}\ud800`]) {
    assert.throws(() => checkPrincipal(id), { code: 'rpc/bad-params', message: /nothing was done/ })
  }
})
