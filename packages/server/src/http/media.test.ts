import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkCaller, corsHeaders } from './callers.ts'
import { accepts, isJson } from './media.ts'

test('JSON is JSON in any case and with any parameters, and nothing else is', () => {
  // H-026
  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    ' application/json;q=1',
  ]) {
    assert.ok(isJson(type), type)
  }
  for (const type of [
    undefined,
    '',
    'text/json',
    'application/jsonx',
    'application/json-seq',
    'json',
    'multipart/form-data',
    'x; application/json',
  ]) {
    assert.ok(!isJson(type), type)
  }
})

test('an Accept header is read as a list, whatever stands in it', () => {
  // H-024, H-025
  assert.deepEqual(accepts('application/json, text/event-stream'), { json: true, stream: true })
  assert.deepEqual(accepts('*/*'), { json: true, stream: true })
  assert.deepEqual(accepts('TEXT/Event-Stream;q=0.9'), { json: false, stream: true })
  assert.deepEqual(accepts('text/html'), { json: false, stream: false })
  fc.assert(
    fc.property(fc.string(), (header) => {
      const { json, stream } = accepts(header)
      assert.equal(typeof json, typeof stream)
    }),
  )
})

const HOSTS = new Set(['localhost', '127.0.0.1', '[::1]'])

test('only our own names let a caller in, however the rest is written', () => {
  // H-021, H-022, H-023
  const name = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.constantFrom('localhost.evil.example', 'evil-localhost', '127.0.0.1.nip.io'),
  )
  fc.assert(
    fc.property(name, fc.nat(65_535), (host, port) => {
      if (HOSTS.has(host)) return
      assert.throws(() => checkCaller(HOSTS, { host: `${host}:${String(port)}` }), {
        code: 'http/origin',
      })
      const origin = `http://${host}:${String(port)}`
      assert.throws(() => checkCaller(HOSTS, { host: 'localhost', origin }), {
        code: 'http/origin',
      })
    }),
  )
  for (const origin of [
    'null',
    '',
    'localhost',
    'file:///x',
    'http://',
    'http://localhost@evil.example',
    'javascript:0',
    'chrome-extension://localhost',
  ]) {
    assert.throws(
      () => checkCaller(HOSTS, { host: 'localhost', origin }),
      { code: 'http/origin' },
      origin,
    )
  }
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:80', '[::1]:7420']) {
    assert.equal(checkCaller(HOSTS, { host, origin: 'https://localhost' }), 'https://localhost')
  }
})

test('only an accepted origin is told what it may send', () => {
  // H-039
  assert.deepEqual(corsHeaders(undefined, undefined), {})
  const headers = corsHeaders(
    'http://localhost',
    'mcp-param-region, x-evil, MCP-PARAM-A, mcp-param-\r\nx',
  )
  assert.match(headers['access-control-allow-headers'] ?? '', /mcp-param-region/)
  assert.doesNotMatch(headers['access-control-allow-headers'] ?? '', /evil|\r|\n/)
})
