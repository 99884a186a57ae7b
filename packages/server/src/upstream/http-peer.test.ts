import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Revision } from '@countersign/contract'
import { silentLog } from '#telemetry'
import { makeWorld } from '../../test/upstream/fakes/world.ts'
import { HttpPeer } from './http-peer.ts'

const peer = (url = 'http://localhost/mcp', headers: Record<string, string> = {}): HttpPeer =>
  new HttpPeer({ world: makeWorld(), log: silentLog, server: 'peer', url, headers, bytesMax: 1 })

const headersOf = (flat: readonly string[]): Record<string, string | undefined> =>
  Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : [])))

const parcel = (revision: Revision | undefined, name?: string) => ({
  id: 1,
  method: 'tools/call',
  text: '{}',
  revision,
  name,
  paramHeaders: { 'Mcp-Param-Region': ' north ', Cookie: 'a=b' },
  paused: undefined,
  taken: undefined,
})

// H-024, H-027, H-028, H-032, F-022, V-006
test('a modern request repeats its method, name and parameters, encoded where need be', () => {
  const headers = headersOf(peer().postHeaders(parcel('2026-07-28', 'größe')))
  assert.deepEqual(headers, {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': '=?base64?Z3LDtsOfZQ==?=',
    'Mcp-Param-Region': '=?base64?IG5vcnRoIA==?=',
  })
})

// H-078, H-082
test('a legacy request carries session and revision, the handshake neither', () => {
  const legacy = peer()
  assert.equal(headersOf(legacy.postHeaders(parcel(undefined)))['mcp-protocol-version'], undefined)
  legacy.sessionId = 's1'
  const headers = headersOf(legacy.postHeaders(parcel('2025-06-18', 'x')))
  assert.equal(headers['mcp-session-id'], 's1')
  assert.equal(headers['mcp-protocol-version'], '2025-06-18')
  assert.equal(headers['mcp-name'], undefined)
  const modern = headersOf(legacy.postHeaders(parcel('2026-07-28')))
  assert.equal(modern['mcp-session-id'], undefined)
})

// H-038
test('configured headers are sent, except those that are not theirs to set', () => {
  const headers = { 'X-Key': 'k', 'Mcp-Session-Id': 'forged', Accept: 'none', Host: 'evil' }
  const sent = headersOf(peer('http://localhost/', headers).postHeaders(parcel(undefined)))
  assert.deepEqual(Object.keys(sent), ['X-Key', 'content-type', 'accept'])
})

test('credentials in a URL become a header, unless there is one', () => {
  const url = 'http://us%40er:pa@localhost/mcp?x=1'
  const sent = headersOf(peer(url).postHeaders(parcel(undefined)))
  assert.equal(sent['authorization'], `Basic ${btoa('us@er:pa')}`)
  assert.equal(peer(url).path, '/mcp?x=1')
  assert.equal(peer(url).origin, 'http://localhost')
  const both = headersOf(peer(url, { Authorization: 'Bearer b' }).postHeaders(parcel(undefined)))
  assert.equal(both['authorization'], undefined)
  assert.equal(both['Authorization'], 'Bearer b')
})
