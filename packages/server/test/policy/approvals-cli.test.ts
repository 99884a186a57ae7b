// Whoever decides at the command line: what they see, what they are asked, and the page that says so.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemWorld } from '#base'
import { run } from '../../src/cli/run.ts'
import { endGateways, startGateway, type Scene } from '../crash/gateway.ts'
import { makeFolder, PROGRAMS, until } from '../stories/house.ts'
import { ask, envelope, modern } from '../stories/raw.ts'
import { countersign, type Said } from './command.ts'

const CABINET = fileURLToPath(new URL('cabinet.ts', import.meta.url))
const PAGE = fileURLToPath(new URL('../../../../docs/approvals.md', import.meta.url))
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
after(endGateways)

/** The text of each fenced block of a page, by its name: ```cedar a.cedar */
const blocks = new Map(
  [...readFileSync(PAGE, 'utf8').matchAll(/^ *```[a-z]+ (\S+)\n([^]*?)^ *```$/gm)].map(
    ([, name = '', text = '']) => [name, text.replaceAll(/^ {3}/gm, '')],
  ),
)

/** The folder of the page, whose server is here already instead of fetched by npx. */
function makeExample(path: string): Scene {
  assert.deepEqual([...blocks.keys()], ['countersign.yaml', 'writing.cedar', 'session', 'standing'])
  for (const name of ['notes', 'policies']) mkdirSync(join(path, name))
  writeFileSync(join(path, 'policies', 'writing.cedar'), String(blocks.get('writing.cedar')))
  const { resolve } = createRequire(import.meta.url)
  const server = resolve('@modelcontextprotocol/server-filesystem/dist/index.js')
  const text = String(blocks.get('countersign.yaml'))
    .replace('command: npx', `command: ${process.execPath}`)
    .replace("-y, '@modelcontextprotocol/server-filesystem'", server)
  const config = join(path, 'countersign.yaml')
  writeFileSync(config, `${text}\nlisten: { port: 0 }\n`)
  return { folder: path, config, effects: () => [], pids: () => [] }
}

/** What one line of a page would do in a shell. */
async function typedIn(path: string, line: string): Promise<Said> {
  const [program, ...argv] = line.replaceAll("'", '').split(/ (?![^{]*\})/)
  assert.equal(program, 'countersign')
  const said = await countersign(path, ...argv)
  assert.equal(said.code, 0, `${line}: ${said.out}${said.err}`)
  return said
}

it('the example of docs/approvals.md does what the page says', { timeout: 60_000 }, async () => {
  using folder = makeFolder()
  const { path } = folder
  const gateway = await startGateway(makeExample(path))
  const note = join(path, 'notes', 'a.txt')
  const lines = String(blocks.get('session')).trim().split('\n')
  const [call = '', list = '', show = '', approve = '', result = ''] = lines
  assert.equal(lines.length, 5)
  await typedIn(path, call)
  const { id, task } = JSON.parse((await countersign(path, 'approvals', '--json')).out)
  assert.match(
    (await typedIn(path, list)).out,
    /open +files write_file \(\w+\) +local +someone of "owner"/,
  )
  const shown = await typedIn(path, show.replace('ID', id))
  assert.match(shown.out, /^why +What is overwritten does not come back$/m)
  assert.match(shown.out, /^ {2}"content": "hello"$/m)
  assert.throws(() => readFileSync(note), { code: 'ENOENT' })
  const approved = await typedIn(path, approve.replace('ID', id))
  assert.match(approved.out, /It is carried out now, once/)
  await typedIn(path, result.replace('TASK', task))
  assert.equal(readFileSync(note, 'utf8'), 'hello')
  await inAdvance(path)
  await gateway.kill('SIGTERM')
})

/** What the page says of a yes in advance. */
async function inAdvance(path: string): Promise<void> {
  const lines = String(blocks.get('standing')).trim().split('\n')
  const [call = '', approve = '', list = '', add = '', revoke = ''] = lines
  assert.equal(lines.length, 5)
  await typedIn(path, call)
  const { id } = JSON.parse((await countersign(path, 'approvals', '--json')).out)
  assert.match((await typedIn(path, approve.replace('ID', id))).out, /allowed from now on/)
  assert.match(
    (await typedIn(path, list)).out,
    /gr_\S+ +active +files write_file +local +2 of 2 +\d{4}-\S+ \S+ UTC +operator/,
  )
  // The same call goes out by itself now; another one asks.
  const same = await countersign(path, ...SAME)
  assert.equal(same.code, 0, same.err)
  assert.match((await countersign(path, 'grants')).out, /1 of 2/)
  const made = await typedIn(path, add)
  assert.match(made.out, /^where +path \^= drafts\/$/m)
  assert.match(made.out, /It is good from now on\./)
  const grant = /^grant +(gr_\S+)/m.exec(made.out)?.[1] ?? ''
  assert.match((await typedIn(path, revoke.replace('GRANT', grant))).out, /revoked/)
}

const SAME = ['call', 'files_write_file', '--args', '{"path":"b.txt","content":"hello"}']

describe('at a terminal', () => {
  let folder: ReturnType<typeof makeFolder>
  let url: URL
  const config = (): string => join(folder.path, 'countersign.json')
  before(async () => {
    folder = makeFolder()
    const policies = join(folder.path, 'policies')
    mkdirSync(policies)
    writeFileSync(
      join(policies, 'a.cedar'),
      `@id("everything") permit(principal, action, resource);
       @id("delete-asks") @ask("sre") @quorum("2") @message("Twice")
       forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note");
       @id("wipe-asks") @ask("sales")
       forbid(principal, action == Action::"call", resource == Tool::"cabinet/wipe");`,
    )
    const text = {
      listen: { port: 0 },
      data: 'data',
      servers: { cabinet: { command: process.execPath, args: [CABINET, join(folder.path, 'e')] } },
      policy: { folder: 'policies', groups: { sre: ['operator', 'https://idp.example#bob'] } },
    }
    writeFileSync(config(), JSON.stringify(text))
    const scene = { folder: folder.path, config: config(), effects: () => [], pids: () => [] }
    ;({ url } = await startGateway(scene))
  })
  after(async () => {
    await endGateways()
    folder[Symbol.dispose]()
  })

  /** A command line at a terminal, where somebody types. */
  async function typed(answer: string, ...argv: readonly string[]): Promise<Said> {
    const stdin = Object.assign(new PassThrough(), { isTTY: true })
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 100 })
    const stderr = new PassThrough()
    const said = { out: '', err: '' }
    stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text
      if (said.out.endsWith('[y/N] ')) stdin.write(`${answer}\n`)
    })
    stderr.setEncoding('utf8').on('data', (text: string) => void (said.err += text))
    const io = { world: systemWorld, cwd: folder.path, home: folder.path, stdin, stdout, stderr }
    const code = await run([...argv, '--config', config()], io)
    await new Promise(setImmediate)
    return { code, ...said }
  }
  const cli = (...argv: readonly string[]): Promise<Said> =>
    countersign(folder.path, ...argv, '--config', config())

  async function waiting(name: string, args: object): Promise<string> {
    const params = { name: `cabinet_${name}`, arguments: args }
    const meta = envelope({}, TASKS)
    const { json } = await ask(url, modern('tools/call', { params, meta }))
    return String(json.result.taskId)
  }

  it('shows exactly what will happen, and a no or nothing decides nothing', async () => {
    const escape = String.fromCharCode(27)
    const trick = `a\nanswer          operator said yes\u202Egpj.exe${escape}[2J`
    const task = await waiting('delete_note', { path: trick })
    const no = await typed('n', 'approve', task)
    assert.equal(no.code, 1)
    assert.match(no.out, /^tool +cabinet delete_note +\(called as cabinet_delete_note\)$/m)
    assert.match(no.out, /^effect +destructive$/m)
    assert.match(no.out, /^needs +approval by 2 people of "sre"$/m)
    assert.match(no.out, /^why +Twice$/m)
    assert.match(no.out, /^arguments +hmac-sha256:[\da-f]{64}$/m)
    // What others wrote adds no line, turns nothing around, and clears nothing.
    assert.match(no.out, /"path": "a\\nanswer +operator said yes\\u202egpj\.exe\\u001b\[2J"/)
    const [shown = '', answered = ''] = no.out.split('Approve exactly this? [y/N] ')
    // The prompt itself moves the cursor before it.
    const ours = shown.replace(`${escape}[1G${escape}[0J`, '')
    assert.ok(!ours.includes(escape) && !ours.includes('\u202E'))
    assert.doesNotMatch(ours, /^answer/m)
    assert.match(answered, /Nothing was decided\.$/m)
    const { state } = JSON.parse((await cli('approvals', 'show', task, '--json')).out)
    assert.equal(state, 'open')
  })

  it('takes a yes, counts it, and takes none of the same person again', async () => {
    const task = await waiting('delete_note', { path: '/two' })
    const yes = await typed('y', 'approve', task, '--reason', 'checked')
    assert.match(yes.out, /Noted: ap_\S+\. It needs more people\./)
    const again = await cli('approve', task, '--yes')
    assert.equal(again.code, 2)
    assert.match(again.err, /operator has answered ap_\S+ already\./)
    const shown = await cli('approvals', 'show', task)
    assert.match(shown.out, /^answer +operator said yes: checked$/m)
  })

  it('says whom it would need, and what is missing from the command', async () => {
    const task = await waiting('wipe', {})
    const stranger = await cli('approve', task, '--yes')
    assert.equal(stranger.code, 2)
    assert.match(stranger.err, /someone of "sales", and operator is in none of these groups/)
    for (const [argv, problem] of [
      [['approve', task], /nobody can be asked here\. Add --yes/],
      [['approve', task, '--json'], /Add --yes/],
      [['deny', task, '--yes'], /say why, its agent is told/],
      [['deny', task, '--reason', ' ', '--yes'], /say why/],
      [['approve'], /name an approval/],
      [['approve', 'ap_nowhere', '--yes'], /There is no approval "ap_nowhere"/],
      [['approve', 'ap_', '--yes'], /is the beginning of ap_.*give more of it/],
    ] as const) {
      const said = await cli(...argv)
      assert.equal(said.code, 2, argv.join(' '))
      assert.match(said.err, problem)
    }
  })

  it('watches what comes to wait, and what becomes of it', async () => {
    const argv = [PROGRAMS.main, 'approvals', '--watch', '--json', '--config', config()]
    const watching = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    const gone = once(watching, 'exit')
    const seen: string[] = []
    createInterface({ input: watching.stdout }).on('line', (line) => void seen.push(line))
    const task = await waiting('delete_note', { path: '/watched' })
    const states = (): readonly string[] =>
      seen.map((line) => JSON.parse(line)).flatMap((one) => (one.task === task ? [one.state] : []))
    await until('it is seen', () => states().includes('open') || undefined)
    await cli('deny', task, '--reason', 'no', '--yes')
    await until('its end is seen', () => states().includes('denied') || undefined)
    watching.kill('SIGINT')
    assert.deepEqual(await gone, [0, null])
  })
})
