// PV-007: what a client may send of arguments and names, over HTTP, where policies look at them.

import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { ask, modern, type Answer } from '../stories/raw.ts'
import { openPolicyHouse, type PolicyHouse } from './policy-house.ts'

const POLICIES = `
@id("all") permit(principal, action, resource);
@id("home") @message("Only below /home")
forbid(principal, action == Action::"call", resource)
unless { context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/home/*" };`

let house: PolicyHouse
before(async () => {
  house = await openPolicyHouse({ policies: { 'a.cedar': POLICIES } })
})
after(async () => {
  await house[Symbol.asyncDispose]()
})

const call = (given: object, name = 'wipe'): Promise<Answer> =>
  ask(house.at(), modern('tools/call', { params: { name, arguments: given } }))

const path = '/home/ada'

/** The house answers as before, whatever came just now. */
async function isWell(): Promise<void> {
  const count = house.effects().length
  assert.match((await call({ path })).text, /wipe done/)
  assert.match((await call({ path: '/etc' })).text, /Only below \/home/)
  assert.equal(house.effects().length, count + 1)
}

it('arguments of a megabyte are judged like any', async () => {
  const text = 'x'.repeat(1_048_576)
  assert.match((await call({ path, text })).text, /wipe done/)
  assert.match((await call({ path: `/etc/${text}` })).text, /Only below \/home/)
  await isWell()
})

it('a thousand levels are refused before anybody looks at them', async () => {
  const deep = `{"a":`.repeat(1_000) + '1' + '}'.repeat(1_000)
  const asked = modern('tools/call', { params: { name: 'wipe', arguments: { path, deep: 0 } } })
  const body = String(asked.body).replace('"deep":0', `"deep":${deep}`)
  const { status, json } = await ask(house.at(), { ...asked, body })
  assert.equal(status, 400)
  assert.equal(typeof json.error.message, 'string')
  await isWell()
})

it('more values, and more levels, than policies look at are denied, and said so', async () => {
  let deep: unknown = 1
  for (let at = 0; at < 40; at++) deep = { a: deep }
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`k${String(at)}`, at]))
  for (const given of [
    { path, deep },
    { path, ...many },
    { path, half: '\ud800' },
  ]) {
    const { json, text } = await call(given)
    assert.equal(json.result?.isError ?? json.error !== undefined, true, text.slice(0, 300))
    assert.doesNotMatch(text, /wipe done/)
  }
  await isWell()
})

it('a name that looks like a tool is none', async () => {
  for (const name of ['wіpe', 'wipe\u200b', 'Wipe', 'cabinet/wipe', '../wipe', 'wipe ']) {
    const { json, text } = await ask(
      house.at(),
      modern('tools/call', {
        params: { name, arguments: { path } },
        headers: { 'mcp-name': undefined },
      }),
    )
    assert.ok(json.error !== undefined || json.result?.isError === true, text)
    assert.doesNotMatch(text, /wipe done/)
  }
  await isWell()
})
