// The example of docs/events.md, as somebody would try it, and the commands that it names.

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemWorld } from '#base'
import { endGateways, startGateway } from '../crash/gateway.ts'
import { countersignIn, type Said } from '../policy/command.ts'
import { makeFolder, until } from '../stories/house.ts'
import { secretOf } from './feed-house.ts'

const PAGE = fileURLToPath(new URL('../../../../docs/events.md', import.meta.url))
const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url))
const SECRETS = { CHAT_SECRET: secretOf(4), DECIDER_SECRET: secretOf(5) }

const children: ChildProcess[] = []
after(async () => {
  await endGateways()
  for (const child of children) child.kill('SIGKILL')
})

/** The text of each fenced block of the page, by its name: ```js receiver.mjs */
const blocks = new Map(
  [...readFileSync(PAGE, 'utf8').matchAll(/^ *```[a-z]+ (\S+)\n([^]*?)^ *```$/gm)].map(
    ([, name = '', text = '']) => [name, text.replaceAll(/^ {3}/gm, '')],
  ),
)
const block = (name: string): string => blocks.get(name) ?? assert.fail(`no ${name} on the page`)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function makeExample(path: string, port: number): string {
  for (const name of ['notes', 'policies']) mkdirSync(join(path, name))
  symlinkSync(MODULES, join(path, 'node_modules'))
  writeFileSync(join(path, 'policies', 'writing.cedar'), block('writing.cedar'))
  writeFileSync(join(path, 'receiver.mjs'), block('receiver.mjs').replace('8787', String(port)))
  const { resolve } = createRequire(import.meta.url)
  const server = resolve('@modelcontextprotocol/server-filesystem/dist/index.js')
  const text = block('countersign.yaml')
    .replace('command: npx', `command: ${process.execPath}`)
    .replace("-y, '@modelcontextprotocol/server-filesystem'", server)
    .replace('8787', String(port))
  const config = join(path, 'countersign.yaml')
  writeFileSync(config, `${text}\nlisten: { port: 0 }\n`)
  return config
}

function run(
  path: string,
  ...args: readonly string[]
): { readonly child: ChildProcess; out: string } {
  const child = spawn(process.execPath, args, {
    cwd: path,
    env: { ...process.env, ...SECRETS },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const running = { child, out: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (running.out += text))
  return running
}

it('does what the page says', { timeout: 60_000 }, async () => {
  using folder = makeFolder()
  const { path } = folder
  const config = makeExample(path, await freePort())
  const world = {
    ...systemWorld,
    env: (name: string) =>
      Object.entries(SECRETS).find(([one]) => one === name)?.[1] ?? systemWorld.env(name),
  }
  Object.assign(process.env, SECRETS)
  const gateway = await startGateway({ folder: path, config, effects: () => [], pids: () => [] })
  const receiver = run(path, 'receiver.mjs')
  const typed = async (line: string, code = 0): Promise<Said> => {
    const [program, ...argv] = line.replaceAll("'", '').split(/ (?![^{]*\})/)
    assert.equal(program, 'countersign')
    const said = await countersignIn(world, path, ...argv)
    assert.equal(said.code, code, `${line}: ${said.out}${said.err}`)
    return said
  }
  const [test = '', call = '', events = '', list = ''] = block('session').trim().split('\n')
  await until('the receiver is there', async () => {
    const said = await countersignIn(world, path, ...test.split(' ').slice(1))
    return said.code === 0 || undefined
  })
  assert.match((await typed(test)).out, /chat took it/)
  await typed(call)
  await until('it is told', () => receiver.out.includes('approval.asked') || undefined)
  assert.match(receiver.out, /approval\.asked write_file for local: countersign approve ap_/)
  assert.match((await typed(events)).out, /approval\.asked +ap_\S+ +files +write_file/)
  assert.match((await typed(list)).out, /^chat +127\.0\.0\.1:\d+ +on /m)
  const approval = /approve (ap_\S+)/.exec(receiver.out)?.[1] ?? ''
  const decide = block('decide.mjs').replace('http://127.0.0.1:7420', gateway.url.origin)
  writeFileSync(join(path, 'decide.mjs'), decide)
  const deciding = run(path, 'decide.mjs', approval, 'U042', 'approve', 'fine by me')
  await once(deciding.child, 'exit')
  assert.deepEqual(JSON.parse(deciding.out), {
    approval,
    state: 'approved',
    by: 'grace',
    verdict: 'approve',
  })
  const note = join(path, 'notes', 'a.txt')
  await until('it is written', () => {
    try {
      return readFileSync(note, 'utf8')
    } catch {
      return undefined
    }
  })
  await until('the file has it', () => {
    const lines = readFileSync(join(path, 'events.jsonl'), 'utf8').split('\n').slice(0, -1)
    return (
      lines.map((line) => JSON.parse(line)).some(({ class_uid: uid }) => uid === 6003) || undefined
    )
  })
  const ocsf = await typed('countersign events --after 0 --kind call.closed --format ocsf')
  assert.equal(JSON.parse(ocsf.out.split('\n')[0] ?? '').class_uid, 6003)
  assert.match((await typed('countersign webhooks dead chat')).out, /chat took everything/)
  assert.match((await typed('countersign webhooks drop chat')).out, /0 dropped/)
  await typed('countersign webhooks retry chat')
  await typed('countersign webhooks retry nobody', 2)
  await typed('countersign events --format xml', 2)
  // Followed from its first entry on, until it is told to stop.
  const followed = run(
    path,
    fileURLToPath(new URL('../../src/main.ts', import.meta.url)),
    'events',
    '-f',
    '--after',
    '0',
    '--json',
  )
  await until('it follows', () => followed.out.includes('"approval.answered"') || undefined)
  followed.child.kill('SIGINT')
  assert.deepEqual(await once(followed.child, 'exit'), [0, null])
  await gateway.kill('SIGTERM')
})
