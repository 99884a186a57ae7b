// How `countersign serve` ends, and goes on, when those around it leave.

import assert from 'node:assert/strict'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { makeFolder, overStdio, PROGRAMS, until } from './house.ts'
import { envelope, rpc } from './raw.ts'

interface Started extends Disposable {
  readonly child: ChildProcessWithoutNullStreams
  readonly lines: readonly string[]
  readonly errors: readonly string[]
  readonly data: string
  readonly cli: (...args: readonly string[]) => Promise<string>
}

function start(...more: readonly string[]): Started {
  const folder = makeFolder()
  const path = join(folder.path, 'countersign.json')
  const servers = { old: overStdio('oldPeer') }
  writeFileSync(path, JSON.stringify({ listen: { port: 0 }, data: 'data', servers }))
  const begin = (...args: readonly string[]): ChildProcessWithoutNullStreams =>
    spawn(process.execPath, [PROGRAMS.main, ...args, '--config', path])
  const child = begin('serve', ...more)
  const lines: string[] = []
  const errors: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  child.stderr.on('data', (chunk) => errors.push(String(chunk)))
  child.stdin.on('error', () => undefined)
  return {
    child,
    lines,
    errors,
    data: join(folder.path, 'data'),
    cli: async (...args) => {
      const other = begin(...args)
      let said = ''
      for (const stream of [other.stdout, other.stderr]) {
        stream.on('data', (chunk) => (said += String(chunk)))
      }
      await once(other, 'close')
      return said
    },
    [Symbol.dispose]: () => {
      child.kill('SIGKILL')
      folder[Symbol.dispose]()
    },
  }
}

const ended = async ({ child }: Started): Promise<unknown> =>
  child.exitCode ?? child.signalCode ?? (await once(child, 'exit'))[0]
const callOf = (name: string): string =>
  `${JSON.stringify(rpc('tools/call', { name, _meta: envelope() }, name))}\n`

test('serve goes on when nobody reads what it prints', { timeout: 60_000 }, async () => {
  using gateway = start()
  await until('it listens', () => gateway.lines.some((line) => /as they happen/.test(line)))
  gateway.child.stdout.destroy()
  for (const said of ['one', 'two', 'three']) {
    const answer = await gateway.cli('call', 'old_echo', '--args', JSON.stringify({ said }))
    assert.equal(answer.trim(), JSON.stringify({ said }))
    await new Promise((resolve) => setTimeout(resolve, 100)) // Lines are printed later than answers.
  }
  if (process.platform !== 'win32') {
    const modeOf = (name: string): number => statSync(join(gateway.data, name)).mode & 0o777
    assert.deepEqual(['.', 'countersign.db', 'running.json'].map(modeOf), [0o700, 0o600, 0o600])
  }
  gateway.child.kill('SIGTERM')
  assert.equal(await ended(gateway), 0)
  assert.deepEqual(gateway.errors, [])
  assert.equal(existsSync(join(gateway.data, 'running.json')), false)
})

const ENDS: Readonly<Record<string, (child: ChildProcessWithoutNullStreams) => void>> = {
  SIGTERM: (child) => child.kill('SIGTERM'),
  SIGINT: (child) => child.kill('SIGINT'),
  'a client that reads no more': (child) => {
    child.stdout.destroy()
    child.stdin.write(callOf('echo'))
  },
}

for (const [name, end] of Object.entries(ENDS)) {
  test(`${name} stops serve --stdio in order`, { timeout: 60_000 }, async () => {
    using gateway = start('--stdio', '--view', 'old')
    gateway.child.stdin.write(callOf('echo'))
    await until('it answers', () => gateway.lines.length > 0)
    gateway.child.stdin.write(callOf('wait'))
    await until('the call is under way', async () =>
      /old wait/.test(await gateway.cli('log', '--last', '5')),
    )
    assert.ok(readFileSync(join(gateway.data, 'running.json'), 'utf8').endsWith('}\n'))
    end(gateway.child)
    assert.equal(await ended(gateway), 0)
    assert.deepEqual(gateway.errors, [])
    assert.equal(existsSync(join(gateway.data, 'running.json')), false)
    assert.match(await gateway.cli('log'), /call\.closed .* cancelled/)
  })
}
