/** What `npm start` shows: a long call, seen on the terminal, that outlives `kill -9`. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import {
  copyQuickstart,
  isAlive,
  ROOT,
  startProgram,
  untilGone,
  type Started,
} from './run-quickstart.ts'

const MAIN = join(ROOT, 'packages/server/src/main.ts')
const SECTIONS = 10
/** Ten of them are five seconds: the gateway looks once a second, and has to be killed in between. */
const PAUSE_MS = 500
/** What hangs is ended, and shows where. */
const TIMEOUT_MS = 90_000

/** The quickstart with shorter steps, and without the servers that this is not about. */
async function copyShort(): Promise<{ readonly config: string } & AsyncDisposable> {
  const copy = await copyQuickstart()
  const text = await readFile(copy.config, 'utf8')
  const short = text
    .replace("--pause-ms, '2000'", `--pause-ms, '${String(PAUSE_MS)}'`)
    .replaceAll(/^ {4}start: eager$/gm, '    start: demand')
  assert.notEqual(short, text)
  await writeFile(copy.config, short)
  return copy
}

interface Gateway extends Started {
  readonly pid: number
}

/** As `npm start` does it; resolves with the process that is to be killed. */
async function startQuickstart(config: string): Promise<Gateway> {
  const started = startProgram(process.execPath, [
    'scripts/start.mjs',
    '--port',
    '0',
    '--config',
    config,
  ])
  await started.until(/Calls, as they happen:\n/)
  const running = await readFile(join(dirname(config), '.countersign', 'running.json'), 'utf8')
  const { pid }: { readonly pid: number } = JSON.parse(running)
  return { ...started, pid }
}

test(
  'a long call is watched, killed with the gateway, and finished by the next one',
  { timeout: TIMEOUT_MS },
  async () => {
    await using copy = await copyShort()
    const cli = (...args: readonly string[]): Started =>
      startProgram(process.execPath, [MAIN, ...args, '--config', copy.config])
    await using first = await startQuickstart(copy.config)
    assert.match(first.printed(), /npx countersign call reports_build_report /)
    assert.match(first.printed(), /npx countersign tasks --watch /)

    await using watching = cli('tasks', '--watch')
    await using calling = cli('call', 'reports_build_report')
    const [, id = ''] = await watching.until(
      / (task_\S+) {2}working {2}reports build_report {2}[3-6] of 10/,
    )
    process.kill(first.pid, 'SIGKILL')
    await untilGone(first.family())
    assert.equal(await calling.ended, 2)
    assert.match(
      calling.complained(),
      new RegExp(`the gateway stopped.*countersign tasks result ${id}`),
    )
    const offline = cli('tasks')
    assert.equal(await offline.ended, 0)
    assert.match(offline.printed(), new RegExp(id))
    assert.match(offline.complained(), /goes on with "countersign serve"/)

    await using second = await startQuickstart(copy.config)
    const result = cli('tasks', 'result', id.slice('task_'.length, -8), '--json')
    assert.equal(await result.ended, 0)
    const { structuredContent } = JSON.parse(result.printed())
    assert.equal(structuredContent.sections, SECTIONS)
    assert.equal(structuredContent.processes, 2, 'it was not killed in the middle')
    assert.match(await readFile(structuredContent.path, 'utf8'), /^## Time to read$/m)
    const log = await readFile(join(dirname(structuredContent.path), 'steps.log'), 'utf8')
    const steps = log.trimEnd().split('\n')
    assert.equal(steps.length, SECTIONS)
    assert.equal(new Set(steps).size, SECTIONS, 'a section was written twice')

    // Whoever watched has seen the whole of it.
    await watching.until(new RegExp(`${id} {2}completed {2}reports build_report`))
    assert.equal(await watching.stop(), 0)
    const shown = cli('tasks', 'show', id)
    assert.equal(await shown.ended, 0)
    assert.match(shown.printed(), /attempt {2}call {2}done/)
    const family = second.family()
    assert.equal(await second.stop(), 0)
    assert.deepEqual(family.filter(isAlive), [])
  },
)

test(
  'Ctrl-C leaves a call to the gateway, and cancel ends it',
  { timeout: TIMEOUT_MS },
  async () => {
    await using copy = await copyShort()
    const cli = (...args: readonly string[]): Started =>
      startProgram(process.execPath, [MAIN, ...args, '--config', copy.config])
    const alone = cli('call', 'reports_build_report', '--detach')
    assert.equal(await alone.ended, 2)
    assert.match(alone.complained(), /no gateway is running/)
    await using gateway = await startQuickstart(copy.config)
    const detached = cli('call', 'reports_build_report', '--detach')
    assert.equal(await detached.ended, 0)
    const id = detached.printed().trim()
    assert.match(id, /^task_[\w-]{22}$/)
    const waiting = cli('tasks', 'result', id)
    await waiting.untilComplained(/ of 10/)
    waiting.send('SIGINT')
    assert.equal(await waiting.ended, 130)
    assert.match(waiting.complained(), new RegExp(`It goes on.*countersign tasks result ${id}`))
    const cancelled = cli('tasks', 'cancel', id, '--reason', 'seen enough')
    assert.equal(await cancelled.ended, 0)
    const listed = cli('tasks', '--json', '--state', 'cancelled')
    assert.equal(await listed.ended, 0)
    assert.equal(JSON.parse(listed.printed()).error.message, 'seen enough')
    assert.equal(await gateway.stop(), 0)
  },
)
