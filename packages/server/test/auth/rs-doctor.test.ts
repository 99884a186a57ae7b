// `countersign doctor --auth`: what is broken, in words, and the one thing to do about it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { systemWorld } from '#base'
import { run } from '../../src/cli/run.ts'
import { makeFolder, PROGRAMS } from '../stories/house.ts'
import { seconds, startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { freePort } from './glewlwyd.ts'
import { PEER } from './guarded-house.ts'

interface Finding {
  readonly check: string
  readonly verdict: 'pass' | 'warn' | 'fail'
  readonly what: string
  readonly fix?: string
}

describe('countersign doctor --auth', { timeout: 60_000 }, () => {
  const folder = makeFolder()
  const config = join(folder.path, 'countersign.json')
  const alive = setInterval(() => undefined, 60_000)
  let issuer: FakeIssuer
  let gateway: ReturnType<typeof spawn>
  let url: URL

  /** The findings of a configuration that differs, and how the command ended. */
  const examine = async (
    change: { auth?: object; listen?: object } = {},
    token?: string,
    aheadMs = 0,
  ) => {
    const auth = { issuers: [{ issuer: issuer.issuer, algorithms: ['ES256'] }] }
    const plan = { listen: { port: 0 }, data: 'data', servers: { peer: PEER }, auth }
    writeFileSync(config, JSON.stringify({ ...plan, ...change }))
    const out = new PassThrough()
    const words = token === undefined ? [] : ['--token-env', 'TOKEN']
    const code = await run(['doctor', '--auth', '--json', ...words, '--config', config], {
      world: {
        ...systemWorld,
        now: () => systemWorld.now() + aheadMs,
        env: (name) => (name === 'TOKEN' ? token : systemWorld.env(name)),
      },
      cwd: folder.path,
      home: folder.path,
      stdin: process.stdin,
      stdout: out,
      stderr: new PassThrough(),
    })
    const text = String(out.read() ?? '')
    const findings: readonly Finding[] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const failed = findings.filter(({ verdict }) => verdict === 'fail')
    return { code, text, findings, failed }
  }

  before(async () => {
    issuer = await startIssuer()
    await examine()
    const serving = [PROGRAMS.main, 'serve', '--json', '--config', config]
    gateway = spawn(process.execPath, serving, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(gateway.stdout!, 'data')
    gateway.stdout!.resume()
    url = new URL(JSON.parse(String(line).split('\n', 1)[0]!).url)
  })
  after(async () => {
    clearInterval(alive)
    gateway.kill('SIGKILL')
    await issuer[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  it('finds nothing to say against what works, and judges a good token claim by claim', async () => {
    const token = await issuer.mint({ claims: { aud: url.href, scope: 'openid peer:read' } })
    const { code, failed, findings, text } = await examine({}, token)
    assert.deepEqual(failed, [])
    assert.equal(code, 0)
    const told = (check: string): string =>
      findings.find((one) => one.check === check)?.what ?? `no ${check}`
    assert.match(told('address'), /describes http:\/\/127\.0\.0\.1:\d+\/mcp$/)
    assert.match(told('challenge'), /told where to go/)
    assert.equal(told('token aud'), `opens ${url.href}`)
    assert.match(told('token scope'), /peer:read$/)
    assert.match(told('token exp'), /expires in 5 min/)
    assert.ok(!text.includes(token.split('.')[2] ?? ''))
  })

  const wrong: readonly (readonly [string, () => Promise<string>, string, RegExp, RegExp])[] = [
    [
      'another audience',
      () => issuer.mint({ claims: { aud: 'account' } }),
      'token aud',
      /expected one of http.*\/mcp, http.*\/mcp\/peer; got "account"/,
      /resource=|audience/,
    ],
    [
      'the type of older servers',
      () => issuer.mint({ claims: { aud: url.href }, header: { typ: 'JWT' } }),
      'token typ',
      /expected at\+jwt, got "JWT"/,
      /tokenType: jwt/,
    ],
    [
      'its time over',
      () => issuer.mint({ claims: { aud: url.href, exp: seconds() - 600 } }),
      'token exp',
      /expired 10 min ago/,
      /new one/,
    ],
    [
      'scopes under another name',
      () => issuer.mint({ claims: { aud: url.href, scope: undefined, scp: ['peer:read'] } }),
      'token scope',
      /nothing in "" means anything here|nothing in nothing/,
      /scopesClaim: scp/,
    ],
    [
      'an issuer with a slash more',
      () => issuer.mint({ claims: { aud: url.href, iss: `${issuer.issuer}/` } }),
      'token iss',
      /is "http.*\/"; taken are http/,
      /exactly/,
    ],
    ['nothing of a JWT', async () => 'opaque', 'token', /is no JWT/, /introspection/],
    ['nothing at all', async () => '', 'token', /\$TOKEN is empty/, /export TOKEN/],
  ]
  for (const [what, make, check, says, remedy] of wrong) {
    it(`says of a token with ${what} what is wrong, and what to do`, async () => {
      const { code, failed } = await examine({}, await make())
      assert.equal(code, 1)
      const found = failed.find((one) => one.check === check)
      assert.match(found?.what ?? JSON.stringify(failed), says)
      assert.match(found?.fix ?? '', remedy)
    })
  }

  it('says when nobody answers at the address that clients are given', async () => {
    const nowhere = `http://localhost:${await freePort()}`
    const { failed } = await examine({ listen: { port: 0, publicUrl: nowhere } })
    assert.match(failed[0]?.what ?? '', /nobody answers at http:\/\/localhost:\d+ \(ECONNREFUSED\)/)
    assert.match(failed[0]?.fix ?? '', /listen\.publicUrl/)
  })

  it('says when somebody else answers there, or we under another name', async () => {
    const listen = { port: 0, publicUrl: new URL(issuer.issuer).origin }
    const { failed } = await examine({ listen })
    assert.match(failed[0]?.what ?? '', /answers 404, and no description of us/)
    const other = { port: 0, publicUrl: url.origin.replace('127.0.0.1', 'localhost') }
    const renamed = await examine({ listen: other })
    assert.match(renamed.failed[0]?.what ?? '', /there we are called http:\/\/127/)
  })

  it('says of an issuer that is down, of another name, or without keys', async () => {
    issuer.isDown = true
    assert.match((await examine()).failed[0]?.what ?? '', /answers 500/)
    issuer.isDown = false
    issuer.metadata = { issuer: `${issuer.issuer}/` }
    const named = await examine()
    assert.match(named.failed[0]?.what ?? '', /speaks of another issuer/)
    assert.match(named.failed[0]?.fix ?? '', /slash/)
    issuer.metadata = { jwks_uri: undefined }
    assert.match((await examine()).failed[0]?.what ?? '', /names no keys/)
    issuer.metadata = { code_challenge_methods_supported: undefined }
    const refused = (await examine()).findings.filter(({ verdict }) => verdict === 'warn')
    assert.match(JSON.stringify(refused), /S256/)
    issuer.metadata = {}
  })

  it('says when its clock is not as ours', async () => {
    const late = await examine({}, undefined, 600_000)
    assert.match(late.failed[0]?.what ?? '', /its time is 10 min ago/)
    assert.match(late.failed[0]?.fix ?? '', /NTP/)
  })

  it('says in local mode that there is nothing to look at', async () => {
    const { code, findings } = await examine({ auth: undefined as never })
    assert.equal(code, 0)
    assert.match(findings[0]?.what ?? '', /local mode/)
  })
})
