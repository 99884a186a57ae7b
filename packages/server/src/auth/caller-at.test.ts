import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerAt, isNetwork } from './caller-at.ts'

const from = (peer: string | undefined, forwarded?: string) =>
  ({
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as never

test('without proxies a header says nothing (PO-060)', () => {
  const at = callerAt([])
  assert.equal(at(from('203.0.113.7', '10.0.0.1')), '203.0.113.7')
  assert.equal(at(from('10.0.0.9', '10.0.0.1')), '10.0.0.9')
  assert.equal(at(from('::ffff:192.0.2.1')), '192.0.2.1')
  assert.equal(at(from('fe80::1%eth0')), 'fe80::1')
  assert.equal(at(from(undefined, '10.0.0.1')), undefined)
})

test('of a proxy that is named, the last word that is no proxy counts (PO-060)', () => {
  const at = callerAt(['10.1.0.0/16', '2001:db8::1'])
  assert.equal(at(from('10.1.2.3', '10.0.0.1, 198.51.100.4')), '198.51.100.4')
  assert.equal(at(from('10.1.2.3', '6.6.6.6, 198.51.100.4, 10.1.9.9')), '198.51.100.4')
  assert.equal(at(from('2001:db8::1', '198.51.100.4')), '198.51.100.4')
  assert.equal(at(from('10.2.0.1', '198.51.100.4')), '10.2.0.1', 'it is no proxy of ours')
})

test('a proxy that does not say for whom it asks leaves the address unknown (PO-060)', () => {
  const at = callerAt(['10.1.0.0/16'])
  for (const said of [undefined, '', 'unknown', '10.1.1.1', '1.2.3.4:80', '6.6.6.6, nonsense']) {
    assert.equal(at(from('10.1.2.3', said)), undefined, said)
  }
})

test('a network is an address and how much of it counts', () => {
  for (const good of ['10.0.0.0/8', '192.0.2.1', '::1', '2001:db8::/32']) {
    assert.ok(isNetwork(good), good)
  }
  for (const bad of [
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '::/129',
    '10.0.0.0/',
    'a/8',
  ]) {
    assert.ok(!isNetwork(bad), bad)
  }
})
