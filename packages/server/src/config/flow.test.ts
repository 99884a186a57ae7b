// What the configuration says of labels, runs, proxies and redaction.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig, type Config } from './parse-config.ts'

const read = (written: object): Config =>
  parseConfig({
    world: { env: () => undefined },
    text: JSON.stringify(written),
    path: '/etc/countersign/countersign.json',
  })
const server = (more: object = {}) => ({ command: 'x', ...more })
const MINUTE_MS = 60_000

test('without labels no run is kept, and with any they are', () => {
  assert.equal(read({ servers: { web: server() } }).flow.runs, undefined)
  assert.equal(read({ servers: { web: server({ labels: [] }) } }).flow.runs, undefined)
  const { flow } = read({ servers: { web: server({ labels: ['untrusted'] }) } })
  assert.deepEqual(flow, {
    servers: { web: ['untrusted'] },
    infers: false,
    runs: { windowMs: 30 * MINUTE_MS, namedMs: 24 * 60 * MINUTE_MS },
  })
  const tools = { send: { labels: ['outward', 'outward', 'destructive'] } }
  const one = read({ servers: { mail: server({ tools }) } })
  assert.deepEqual(one.rules['mail']?.['send']?.labels, ['destructive', 'outward'])
  assert.ok(one.flow.runs)
  const inferring = read({
    policy: { folder: 'p', runs: { infer: true, window: '2 h', ttl: '1 h' } },
  })
  assert.deepEqual(inferring.flow.runs, { windowMs: 120 * MINUTE_MS, namedMs: 120 * MINUTE_MS })
})

test('a label that means nothing, and a time without bounds, are mistakes', () => {
  const labelled = (labels: unknown) => () => read({ servers: { web: server({ labels }) } })
  assert.throws(labelled(['trusted']), /servers\.web\.labels/)
  assert.throws(labelled('untrusted'), /servers\.web\.labels/)
  const tools = { t: { labels: ['Untrusted'] } }
  assert.throws(() => read({ servers: { web: server({ tools }) } }), /tools\.t\.labels/)
  const runs = (said: object) => () => read({ policy: { folder: 'p', runs: said } })
  assert.throws(runs({ window: '1 s' }), /policy\.runs\.window/)
  assert.throws(runs({ ttl: '90 d' }), /policy\.runs\.ttl/)
  assert.throws(runs({ windows: '1 h' }), /policy\.runs/)
})

test('proxies are addresses and networks', () => {
  assert.deepEqual(read({}).listen.proxies, [])
  const proxies = ['10.0.0.0/8', '::1']
  assert.deepEqual(read({ listen: { proxies } }).listen.proxies, proxies)
  for (const wrong of ['proxy.internal', '10.0.0.0/33', '']) {
    assert.throws(() => read({ listen: { proxies: [wrong] } }), /listen\.proxies/, wrong)
  }
})

test('without a section nobody looks, and with an empty one secrets are covered', () => {
  assert.equal(read({}).redaction, undefined)
  assert.deepEqual(read({ redaction: {} }).redaction, {
    default: { secrets: { in: 'mask', out: 'mask' }, personal: { in: 'off', out: 'off' } },
    servers: {},
    charsMax: 1_048_576,
    tooMuch: 'block',
  })
})

test('a word for both directions, or one for each, by default, server and tool', () => {
  const { redaction } = read({
    servers: { mail: server() },
    redaction: {
      default: { secrets: 'block', personal: { out: 'mask' } },
      servers: { mail: { personal: 'record', tools: { draft: { secrets: { in: 'off' } } } } },
      sizeMax: '64 KiB',
      tooLarge: 'pass',
    },
  })
  assert.deepEqual(redaction, {
    default: { secrets: { in: 'block', out: 'block' }, personal: { in: 'off', out: 'mask' } },
    servers: {
      mail: {
        personal: { in: 'record', out: 'record' },
        tools: { draft: { secrets: { in: 'off' } } },
      },
    },
    charsMax: 65_536,
    tooMuch: 'pass',
  })
})

test('what is misspelt in it is a mistake, and not something that nobody looks for', () => {
  const wrong = (redaction: object) => () => read({ servers: { mail: server() }, redaction })
  assert.throws(wrong({ default: { secret: 'mask' } }), /redaction\.default/)
  assert.throws(wrong({ default: { secrets: 'hide' } }), /redaction\.default\.secrets/)
  assert.throws(wrong({ default: { secrets: { inward: 'mask' } } }), /redaction\.default\.secrets/)
  assert.throws(wrong({ servers: { male: { secrets: 'mask' } } }), /male .*no such server/)
  assert.throws(wrong({ sizeMax: '1 GiB' }), /redaction\.sizeMax/)
})
