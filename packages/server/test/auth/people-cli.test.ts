// `countersign users` as a person types it, with a gateway that runs and with none.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { systemWorld } from '#base'
import { parseConfig } from '#config'
import { silentLog } from '#telemetry'
import { run } from '../../src/cli/run.ts'
import { announce } from '../../src/cli/running.ts'
import { openHouse } from '../../src/server.ts'
import { PROGRAMS } from '../stories/house.ts'

interface Machine {
  readonly path: string
  readonly cli: (...args: readonly string[]) => Promise<Said>
}
interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

function machine(t: TestContext, more: object = { auth: { embedded: {} } }): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-users-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const path = join(folder, 'countersign.json')
  writeFileSync(path, JSON.stringify({ listen: { port: 0 }, data: folder, ...more }))
  return {
    path,
    cli: async (...args) => {
      const [out, err] = [new PassThrough(), new PassThrough()]
      const code = await run([...args, '--config', path], {
        world: systemWorld,
        cwd: folder,
        home: folder,
        stdin: process.stdin,
        stdout: out,
        stderr: err,
      })
      return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') }
    },
  }
}

test('without a gateway that runs, accounts are added, listed, disabled and removed', async (t) => {
  const { cli } = machine(t)
  assert.match((await cli('users')).out, /Nobody can sign in yet: countersign users add NAME/)
  const added = await cli('users', 'add', 'ada')
  assert.equal(added.code, 0, added.err)
  assert.match(added.out, /ada chooses a password or a passkey here, once, until/)
  assert.match(added.out, /\n {2}http:\/\/127\.0\.0\.1:\d+\/oauth\/enrol\/[\w-]{43}\n/)
  assert.match((await cli('users', 'add', 'ADA')).err, /There is an account "ADA" already/)
  assert.match((await cli('users')).out, /^NAME +SIGNS IN WITH +STATE.*\nada +nothing yet +enabled/)
  assert.match((await cli('users', 'disable', 'ada')).out, /ada is disabled/)
  assert.match((await cli('users')).out, /ada .* disabled/)
  assert.match((await cli('users', 'enable', 'ada')).out, /ada may sign in again/)
  const link = JSON.parse((await cli('users', 'link', 'ada', '--json')).out)
  assert.deepEqual(
    Object.keys(link).toSorted((a, b) => a.localeCompare(b)),
    ['link', 'until', 'user'],
  )
  assert.match((await cli('users', 'remove', 'ada')).out, /ada is removed/)
  assert.match((await cli('users', 'remove', 'ada')).err, /There is no account "ada"/)
  assert.equal((await cli('users', 'add')).code, 2)
  assert.match((await cli('users', 'ad')).err, /there is no "users ad"/)
})

test('beside a gateway that runs, its links lead to it, and work', async (t) => {
  const { cli, path } = machine(t)
  const config = parseConfig({ world: systemWorld, text: readFileSync(path, 'utf8'), path })
  await using house = await openHouse(config, { world: systemWorld, log: silentLog })
  const { port } = await house.listen()
  const forget = announce(config, systemWorld, `http://127.0.0.1:${String(port)}`)
  const added = JSON.parse((await cli('users', 'add', 'ada', '--json')).out)
  assert.ok(added.link.startsWith(`http://127.0.0.1:${String(port)}/oauth/enrol/`))
  const page = await fetch(added.link)
  assert.equal(page.status, 200)
  assert.match(await page.text(), /Welcome, ada/)
  assert.match((await cli('users')).out, /ada/)
  forget()
})

test('where no authorization server is embedded, accounts are nobody’s', async (t) => {
  const { cli } = machine(t, {})
  const refused = await cli('users', 'add', 'ada')
  assert.equal(refused.code, 2)
  assert.match(refused.err, /configure `auth\.embedded`/)
})

test('the first start says how to make the first account', async (t) => {
  const { path } = machine(t)
  const serving = spawn(process.execPath, [PROGRAMS.main, 'serve', '--json', '--config', path], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const gone = once(serving, 'exit')
  for await (const line of createInterface(serving.stdout)) {
    const said = JSON.parse(line)
    if (said.event !== 'first-account') continue
    const page = await fetch(said.link)
    assert.match(await page.text(), /Nobody can sign in here yet/)
    break
  }
  serving.kill('SIGTERM')
  await gone
})
