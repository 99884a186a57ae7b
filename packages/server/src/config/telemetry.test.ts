import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { parseConfig, type Config } from './parse-config.ts'

const ENV: Readonly<Record<string, string>> = { KEY: 'hunter2' }
const read = (telemetry?: object): Config =>
  parseConfig({
    world: { env: (name) => ENV[name] },
    text: JSON.stringify({ telemetry }),
    path: '/etc/countersign/countersign.json',
  })

const complains = (telemetry: object, problem: RegExp): void => {
  assert.throws(() => read(telemetry), { code: 'config/invalid', message: problem })
}

describe('telemetry', () => {
  it('tells nobody anything unless it is written', () => {
    assert.equal(read().telemetry, undefined)
    const { telemetry } = read({})
    assert.equal(telemetry?.otlp, undefined)
    assert.equal(telemetry?.metrics, undefined)
  })

  it('has a collector, whose secrets are not in what is printed', () => {
    const { telemetry } = read({
      otlp: { endpoint: 'http://127.0.0.1:4318/', headers: { authorization: 'Bearer ${KEY}' } },
    })
    const { otlp } = telemetry ?? {}
    assert.equal(otlp?.endpoint, 'http://127.0.0.1:4318')
    assert.deepEqual([otlp.traces, otlp.metrics, otlp.logs, otlp.sampling], [true, true, true, 1])
    assert.equal(otlp.headers['authorization']?.reveal(), 'Bearer hunter2')
    assert.ok(!inspect(telemetry, { depth: 9 }).includes('hunter2'))
    complains({ otlp: { endpoint: 'x', headers: { a: '${NONE}' } } }, /NONE is not set/)
  })

  it('goes to an http address without a password in it', () => {
    complains({ otlp: {} }, /telemetry\.otlp\.endpoint/)
    complains({ otlp: { endpoint: 'collector:4318' } }, /endpoint .*not an http URL/)
    complains({ otlp: { endpoint: 'http://a:b@c:4318' } }, /endpoint .*more than an address/)
    complains({ otlp: { endpoint: 'http://c:4318', sampling: 2 } }, /sampling/)
    const { notes } = read({ otlp: { endpoint: 'http://collector.example:4318' } })
    assert.ok(notes.some((note) => /collector\.example:4318 travels unencrypted/.test(note)))
    assert.deepEqual(read({ otlp: { endpoint: 'https://collector.example' } }).notes, [])
  })

  it('shows figures on this machine, or to whoever has the token', () => {
    const at = (metrics: object) => read({ metrics }).telemetry?.metrics
    assert.deepEqual(at({}), { toolsMax: 200, token: undefined, listen: undefined })
    assert.deepEqual(at({ listen: '127.0.0.1:9464' })?.listen, { host: '127.0.0.1', port: 9_464 })
    assert.deepEqual(at({ listen: '[::1]:9464' })?.listen, { host: '::1', port: 9_464 })
    const open = at({ listen: '0.0.0.0:9464', token: '${KEY}' })
    assert.equal(open?.token?.reveal(), 'hunter2')
    complains({ metrics: { listen: '0.0.0.0:9464' } }, /listen .*open to the network/)
    for (const listen of ['9464', '127.0.0.1', '127.0.0.1:99999']) {
      complains({ metrics: { listen } }, /listen .*no address with a port/)
    }
    complains({ metrics: { token: '' } }, /token/)
    complains({ metrics: { token: '${KEY:-}${NONE}' } }, /NONE is not set/)
  })
})
