import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { systemWorld } from '#base'
import { mayReach } from './addresses.ts'
import { makeSafeFetch, Unfetched, type Resolve, type SafeFetch } from './safe-fetch.ts'
import type { Reach } from './settings.ts'

let connections = 0
let port = 0
const trap = createServer((request, response) => {
  if (request.url === '/redirect') {
    response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
  } else if (request.url === '/big') response.end(`"${'x'.repeat(300_000)}"`)
  else if (request.url === '/text') response.end('hello')
  else response.end('{"a":1}')
})
trap.on('connection', () => {
  connections++
})

/** What names stand for; each leads to this machine, or to where nobody should be led. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'rebound.example': ['93.184.216.34', '127.0.0.1'],
  'here.example': ['127.0.0.1'],
  'inside.example': ['10.0.0.5'],
  'cloud.example': ['169.254.169.254'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'six.example': ['::1'],
  'local-six.example': ['fd00::1'],
  'link.example': ['fe80::1'],
  'translated.example': ['64:ff9b::7f00:1'],
  'tunnel.example': ['2002:7f00:1::'],
  'teredo.example': ['2001:0:7f00:1::'],
  'carrier.example': ['100.64.0.1'],
  'zero.example': ['0.0.0.0'],
  'all.example': ['255.255.255.255'],
  'many.example': ['224.0.0.1'],
  'documented.example': ['192.0.2.1'],
  'nowhere.example': [],
}
const resolve: Resolve = (host, _options, done) => {
  const found = NAMES[host] ?? ['93.184.216.34']
  done(
    null,
    found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  )
}

let safeFetch: SafeFetch
before(async () => {
  await new Promise<void>((resolved) => trap.listen(0, '127.0.0.1', resolved))
  port = (trap.address() as AddressInfo).port
  safeFetch = makeSafeFetch(systemWorld, resolve)
})
after(async () => {
  await safeFetch.close()
  trap.closeAllConnections()
  trap.close()
})

test('no address that was not meant is connected to, however it is written', async () => {
  // SS2, SS3, SS4, SS6
  const hosts = [
    ...Object.keys(NAMES),
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:7f00:1]',
    '[::ffff:127.0.0.1]',
    '[::]',
    '0.0.0.0',
    '10.1.2.3',
    '169.254.169.254',
  ]
  for (const host of hosts) {
    for (const reach of ['public', 'private'] as const) {
      if (reach === 'private' && /^10\.|inside|local-six/.test(host)) continue
      await assert.rejects(safeFetch.ask({ url: `https://${host}:${port}/`, reach }), (thrown) => {
        assert.ok(thrown instanceof Unfetched, String(thrown))
        assert.doesNotMatch(thrown.message, /ECONN|socket|timeout/i, `${host}: it was tried`)
        return true
      })
    }
  }
  assert.equal(connections, 0)
})

test('nothing but https is asked for, without secrets or parts that are not sent', async () => {
  // SS2
  for (const url of [
    'http://good.example/',
    'ftp://good.example/',
    'file:///etc/passwd',
    'https://user:pass@good.example/',
    'https://good.example/#part',
    'not a url',
  ]) {
    await assert.rejects(safeFetch.ask({ url, reach: 'public' }), Unfetched, url)
  }
  assert.equal(connections, 0)
})

interface Said {
  readonly status: number
  readonly json: unknown
}

/** What was answered, whatever else came with it. */
const said = async (asked: Promise<Said>): Promise<Said> => {
  const { status, json } = await asked
  return { status, json }
}

test('an issuer on this machine reaches this machine, and nothing else', async () => {
  // SS9
  const at = (host: string): string => `http://${host}:${port}/`
  const loopback = (url: string): Promise<Said> => said(safeFetch.ask({ url, reach: 'loopback' }))
  assert.deepEqual(await loopback(at('127.0.0.1')), { status: 200, json: { a: 1 } })
  assert.deepEqual(await loopback(at('here.example')), { status: 200, json: { a: 1 } })
  const until = connections
  for (const host of ['rebound.example', 'inside.example', 'good.example', 'mapped.example']) {
    await assert.rejects(loopback(at(host)), Unfetched, host)
  }
  assert.equal(connections, until)
})

test('a redirect is not followed, what is too large is not read, what is no JSON is nothing', async () => {
  // SS5, SS8
  const here = (path: string): Promise<Said> =>
    said(safeFetch.ask({ url: `http://127.0.0.1:${port}${path}`, reach: 'loopback' }))
  assert.deepEqual(await here('/redirect'), { status: 302, json: undefined })
  await assert.rejects(here('/big'), /too much/)
  assert.deepEqual(await here('/text'), { status: 200, json: undefined })
})

test('each kind of address is reached by whom it is meant for', () => {
  const table: Readonly<Record<Reach, readonly string[]>> = {
    public: ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '93.184.216.34', '172.15.0.1', '172.32.0.1'],
    private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fdff::1'],
    loopback: ['127.0.0.1', '127.255.255.255', '::1'],
  }
  for (const [kind, addresses] of Object.entries(table)) {
    for (const address of addresses) {
      assert.equal(mayReach(address, 'public'), kind === 'public', address)
      assert.equal(mayReach(address, 'private'), kind !== 'loopback', address)
      assert.equal(mayReach(address, 'loopback'), kind === 'loopback', address)
    }
  }
  const never = [
    '169.254.169.254',
    'fe80::1',
    'fe80::1%eth0',
    '::ffff:8.8.8.8',
    '::ffff:127.0.0.1',
    '::',
    '0.0.0.0',
    '100.64.0.1',
    '198.18.0.1',
    '192.0.2.1',
    '224.0.0.1',
    '240.0.0.1',
    '2001:db8::1',
    '2002:808:808::',
    '2001::1',
    '64:ff9b::808:808',
    '3fff::1',
    'ff02::1',
    '',
    'localhost',
    '8.8.8',
    '8.8.8.8.8',
    '08.8.8.8',
  ]
  for (const address of never) {
    for (const reach of ['public', 'private', 'loopback'] as const) {
      assert.ok(!mayReach(address, reach), `${reach} ${address}`)
    }
  }
})
