// `countersign tasks` as a person types it, with a gateway that runs and with none.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { connect, type Admin } from '@countersign/contract'
import { systemWorld } from '#base'
import { run } from '../../src/cli/run.ts'
import { makeFolder, PROGRAMS, until } from './house.ts'

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

function capture(): { readonly screen: PassThrough; readonly text: () => string } {
  const screen = new PassThrough()
  return { screen, text: () => String(screen.read() ?? '') }
}

describe('countersign tasks', { timeout: 120_000 }, () => {
  const folder = makeFolder()
  const config = join(folder.path, 'countersign.json')
  const file = join(folder.path, 'effects')
  /** In this process: starting one for each command takes longer than all that they do. */
  const cli = async (...args: readonly string[]): Promise<Said> => {
    const [out, err] = [capture(), capture()]
    const code = await run([...args, '--config', config], {
      world: systemWorld,
      cwd: folder.path,
      home: folder.path,
      stdin: process.stdin,
      stdout: out.screen,
      stderr: err.screen,
    })
    return { code, out: out.text(), err: err.text() }
  }
  const effects = (): readonly string[] => readFileSync(file, 'utf8').trim().split('\n')
  // The timers of a command keep nobody alive; a story does.
  const alive = setInterval(() => undefined, 60_000)
  let gateway: ReturnType<typeof spawn>
  let admin: Admin

  const serve = async (): Promise<void> => {
    const serving = [PROGRAMS.main, 'serve', '--json', '--config', config]
    gateway = spawn(process.execPath, serving, { stdio: ['ignore', 'pipe', 'ignore'] })
    const [line] = await once(gateway.stdout!, 'data')
    gateway.stdout!.resume()
    const key = readFileSync(join(folder.path, 'data', 'keys', 'admin.key'), 'utf8').trim()
    admin = connect(new URL(JSON.parse(String(line).split('\n', 1)[0]!).url), () => key)
  }
  const stop = async (): Promise<void> => {
    const gone = once(gateway, 'exit')
    gateway.kill('SIGTERM')
    await gone
  }
  /** A write that was sent, and whose server died: nobody knows. */
  const cutOff = async (mark: string): Promise<string> => {
    const { out } = await cli('call', 'bookings_hang', '--args', `{"mark":"${mark}"}`, '--detach')
    await until('it was sent', () => effects().includes(`hang ${mark}`))
    const [server] = await admin.listServers({})
    process.kill(server!.pid!, 'SIGKILL')
    const id = out.trim()
    await until('it is unknown', async () => (await admin.getTask({ id })).state === 'unknown')
    return id
  }

  before(async () => {
    const compensate = {
      tool: 'cancel_booking',
      arguments: { id: '$.result.structuredContent.id' },
    }
    const args = [PROGRAMS.bookings, file]
    const bookings = {
      command: process.execPath,
      args,
      era: 'legacy',
      tools: { book: { compensate } },
    }
    const tasks = { after: '100 ms' }
    const limits = { closeMs: 100 }
    const text = { listen: { port: 0 }, data: 'data', tasks, limits, servers: { bookings } }
    writeFileSync(config, JSON.stringify(text))
    await serve()
  })
  after(() => {
    clearInterval(alive)
    gateway.kill('SIGKILL')
    folder[Symbol.dispose]()
  })

  it('lists nothing as nothing, and helps with each of its parts', async () => {
    const parts = ['show', 'result', 'cancel', 'settle', 'undo']
    const helps = await Promise.all(parts.map((part) => cli('tasks', part, '--help')))
    for (const [at, { code, out }] of helps.entries()) {
      assert.equal(code, 0)
      assert.match(out, new RegExp(`Usage: countersign tasks ${parts[at]} <id`))
    }
    const [empty, wrong, state, nameless, unknown] = await Promise.all([
      cli('tasks'),
      cli('tasks', 'stop'),
      cli('tasks', '--state', 'asleep'),
      cli('tasks', 'show'),
      cli('tasks', 'show', 'nope'),
    ])
    assert.match(empty.out, /^No tasks/)
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /there is no "tasks stop"/)
    assert.match(state.err, /there is no state "asleep"/)
    assert.match(nameless.err, /name a task/)
    assert.equal(unknown.code, 2)
    assert.match(unknown.err, /There is no task "nope".*tasks --all/)
  })

  it('takes a call back and shows what was undone', async () => {
    const called = await cli('call', 'bookings_book', '--args', '{"mark":"seat"}', '--json')
    assert.equal(called.code, 0)
    assert.deepEqual(JSON.parse(called.out).structuredContent, { id: 'id-seat' })
    const { out } = await cli('tasks', '--json')
    const { id, state } = JSON.parse(out)
    assert.equal(state, 'completed')
    assert.match((await cli('tasks', 'show', id)).out, /tasks undo task_\S+ takes it back/)
    const undone = await cli('tasks', 'undo', id.slice('task_'.length, 14))
    assert.equal(undone.code, 0)
    assert.equal(undone.out, `undone       bookings book (${id})\n`)
    assert.deepEqual(effects(), ['book seat', 'cancel_booking id-seat'])
    assert.match((await cli('tasks', '--all')).out, new RegExp(`completed +undo of ${id}`))
  })

  it('settles an outcome that nobody could know', async () => {
    const id = await cutOff('one')
    const listed = await cli('tasks', '--state', 'unknown')
    assert.match(listed.out, new RegExp(`${id} +unknown +bookings hang`))
    assert.match(listed.err, new RegExp(`tasks settle ${id}`))
    const waited = await cli('tasks', 'result', id)
    assert.equal(waited.code, 1)
    assert.match(waited.err, /may have happened/)
    assert.match((await cli('tasks', 'settle', id, 'maybe')).err, /happened, retry, abandon/)
    const odd = await cli('tasks', 'settle', id, 'retry', '--result', 'x')
    assert.match(odd.err, /--result is for "happened"/)
    assert.match((await cli('tasks', 'settle', 'task_', 'retry')).err, /is the beginning of/)
    const settled = await cli('tasks', 'settle', id, 'happened', '--result', '{"seat":7}')
    assert.equal(settled.code, 0)
    assert.match(settled.out, new RegExp(`^Settled: ${id}\\.`))
    const { code, out } = await cli('tasks', 'result', id, '--json')
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(out).structuredContent, { seat: 7 })
    const again = await cli('tasks', 'settle', id, 'abandon')
    assert.equal(again.code, 2)
    assert.match(again.err, /already: there is nothing to settle/)
  })

  it('without a gateway reads and ends tasks, and says what needs one', async () => {
    const id = await cutOff('two')
    const other = await cutOff('three')
    await stop()
    const listed = await cli('tasks', '--state', 'unknown', '--json')
    const ids = listed.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).id)
    assert.deepEqual(new Set(ids), new Set([id, other]))
    const retry = await cli('tasks', 'settle', id, 'retry')
    assert.equal(retry.code, 2)
    assert.match(retry.err, /needs a running gateway/)
    const [booked] = (await cli('tasks', '--all', '--json')).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ tool }) => tool === 'book')
    assert.match((await cli('tasks', 'undo', booked.id)).err, /needs a running gateway/)
    const reason = 'No record.'
    assert.equal((await cli('tasks', 'settle', id, 'abandon', '--reason', reason)).code, 0)
    assert.match((await cli('tasks', 'result', id)).err, /failed: No record\./)
    assert.match(
      (await cli('tasks', 'settle', other, 'happened')).out,
      /when the gateway runs again/,
    )
    const open = await cli('call', 'bookings_book', '--args', '{"mark":"no"}')
    assert.match(open.err, /tasks wait for one/)
    await serve()
    const { out } = await cli('tasks', 'result', other)
    assert.equal(out, 'A person checked: it happened.\n')
    assert.equal(effects().filter((line) => line === 'hang three').length, 1)
  })
})
