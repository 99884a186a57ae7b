// The person at the machine, beside a gateway that lets nobody in without a token.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { systemWorld } from '#base'
import { run } from '../../src/cli/run.ts'
import { makeFolder, PROGRAMS } from '../stories/house.ts'
import { ask } from '../stories/raw.ts'
import { startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { bearer, listing, PEER } from './guarded-house.ts'

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

describe('countersign, where everybody else needs a token', { timeout: 120_000 }, () => {
  const folder = makeFolder()
  const config = join(folder.path, 'countersign.json')
  const alive = setInterval(() => undefined, 60_000)
  let issuer: FakeIssuer
  let gateway: ReturnType<typeof spawn>
  let url: URL

  const cli = async (...args: readonly string[]): Promise<Said> => {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const code = await run([...args, '--config', config], {
      world: systemWorld,
      cwd: folder.path,
      home: folder.path,
      stdin: process.stdin,
      stdout: out,
      stderr: err,
    })
    return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') }
  }
  before(async () => {
    issuer = await startIssuer()
    const auth = { issuers: [{ issuer: issuer.issuer }] }
    const plan = { listen: { port: 0 }, data: 'data', servers: { peer: PEER }, auth }
    writeFileSync(config, JSON.stringify({ ...plan, tasks: { after: '200 ms' } }))
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

  it('lists, calls and follows as the principal local, and it is written down so', async () => {
    assert.equal((await ask(url, listing())).status, 401)
    const tools = await cli('tools')
    assert.match(tools.out, /peer_echo +read/, tools.err)
    const called = await cli('call', 'peer_echo', '--args', '{"a":1}')
    assert.equal(called.code, 0, called.err)
    assert.match(called.out, /\{"a":1\}/)
    const slow = await cli('call', 'peer_wait', '--detach')
    assert.equal(slow.code, 0, slow.err)
    const listed = await cli('tasks', '--json')
    assert.equal(JSON.parse(listed.out.split('\n')[0] ?? '').owner, 'local')
    assert.equal((await cli('tasks', 'cancel', slow.out.trim())).code, 0)
    const log = await cli('log', '--json')
    const opened = log.out.split('\n').filter((line) => line.includes('"call.opened"'))
    assert.ok(opened.length >= 2)
    for (const line of opened) assert.equal(JSON.parse(line).body.principal, 'local')
  })

  it('is let in by the key of the data folder, and by no other', async () => {
    // AT8
    const key = join(folder.path, 'data', 'keys', 'admin.key')
    const token = readFileSync(key, 'utf8').trim()
    const headers = { connection: 'upgrade', upgrade: 'countersign-stdio' }
    const knock = (shown: string): Promise<number> =>
      ask(new URL('/admin/stdio/', url), {
        method: 'GET',
        headers: { ...headers, authorization: `Bearer ${shown}` },
      }).then(
        ({ status }) => status,
        () => 101,
      )
    const claims = { aud: url.href, scope: 'peer:admin' }
    assert.equal(await knock(await issuer.mint({ claims })), 404)
    assert.equal(await knock(''), 404)
    // And the key opens no view: what is shown there is read as a token of an issuer.
    assert.equal((await ask(url, listing(bearer(token)))).status, 401)
  })

  it('revokes what was given, at once', async () => {
    // AS39
    const token = await issuer.mint({ claims: { aud: url.href, jti: 'lost' } })
    assert.equal((await ask(url, listing(bearer(token)))).status, 200)
    const wrong = await cli('revoke')
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /exactly one/)
    const { code, out } = await cli('revoke', '--token', 'lost')
    assert.equal(code, 0)
    assert.equal(out, 'Revoked: token lost.\n')
    assert.equal((await ask(url, listing(bearer(token)))).status, 401)
    const log = await cli('log', '--json')
    assert.match(log.out, /"revoked"/)
  })
})
