// Which era a POST belongs to: what the truth table leaves to be asked.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type TestHouse } from '../stories/house.ts'
import { serveLegacy, type Peer } from './peer.ts'
import { ask, CAPABILITIES, mirror, modern, MODERN, send, VERSION, type Headers } from './wire.ts'
import { openWireHouse } from './wire-house.ts'

let peer: Peer
let house: TestHouse
let url: URL
before(async () => {
  peer = await serveLegacy()
  house = await openWireHouse({ servers: { peer: { url: peer.url } } })
  url = house.at('peer')
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
})

const list = modern('tools/list')
const HEADERS = mirror(list)

interface Case {
  readonly when: string
  readonly body: unknown
  readonly headers?: Headers
  readonly code: number
}

const CASES: readonly Case[] = [
  {
    when: 'a claim under an inherited key is none (H-015)',
    body: `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"__proto__":${JSON.stringify(list.params)}}}`,
    code: -32000,
  },
  {
    when: 'a response has no place under a modern header (H-040 H-004)',
    body: { jsonrpc: '2.0', id: 1, result: {} },
    headers: HEADERS,
    code: -32000,
  },
  {
    when: 'what is not UTF-8 is not JSON (H-093)',
    body: Buffer.from([0x7b, 0xff, 0x7d]),
    code: -32700,
  },
  {
    when: 'a notification may not contradict its method header (AM-02 AM-33)',
    body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: list.params },
    headers: { 'mcp-protocol-version': MODERN, 'mcp-method': 'notifications/other' },
    code: -32020,
  },
]

describe('one POST', () => {
  for (const { when, body, headers = {}, code } of CASES) {
    it(when, async () => {
      const { status, message } = await send(url, { headers, body })
      assert.deepEqual([status, message.error.code], [400, code])
      assert.equal(Object.hasOwn(message, 'id'), false) // H-093
    })
  }

  it('is told the versions that discovery names, and no others (H-007 V-022 AM-04)', async () => {
    const version = '2099-01-01'
    const refused = await send(url, {
      headers: { ...HEADERS, 'mcp-protocol-version': version },
      body: { ...list, params: { _meta: { [VERSION]: version, [CAPABILITIES]: {} } } },
    })
    const { supported, requested } = refused.message.error.data
    const { result } = (await ask(url, 'server/discover')).message
    assert.equal(requested, version)
    assert.deepEqual(result.supportedVersions, supported)
  })

  it('says all that is needed: strangers with one id are served side by side (V-026 BR-003 S-011)', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => ask(url, 'tools/call', { name: 'echo' }, { id: 1 })),
    )
    for (const { message } of answers) assert.equal(message.result.content[0].text, 'done')
  })
})
