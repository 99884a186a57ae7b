// Calls that wait for a yes, and a gateway that dies: while it waits, after the yes, and in between.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { countersign, type Said } from '../policy/command.ts'
import { makeFolder, until } from '../stories/house.ts'
import { ask, envelope, modern, type Wire } from '../stories/raw.ts'
import { endGateways, startGateway, type Gateway, type Scene } from './gateway.ts'

const SERVER = fileURLToPath(new URL('gated.ts', import.meta.url))
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
const POLICIES = `
@id("everything") permit(principal, action, resource);
@id("all-asks") @ask("sre") forbid(principal, action == Action::"call", resource in Server::"gated");
`

let folder: ReturnType<typeof makeFolder>
let scene: Scene
let effects: string
before(() => {
  folder = makeFolder()
  effects = join(folder.path, 'effects')
  const gate = join(folder.path, 'gate')
  writeFileSync(gate, '')
  mkdirSync(join(folder.path, 'policies'))
  writeFileSync(join(folder.path, 'policies', 'a.cedar'), POLICIES)
  const config = join(folder.path, 'countersign.json')
  const text = {
    listen: { port: 0 },
    data: 'data',
    limits: { closeMs: 0 },
    servers: { gated: { command: process.execPath, args: [SERVER, effects, gate] } },
    policy: { folder: 'policies', groups: { sre: ['operator'] } },
  }
  writeFileSync(config, JSON.stringify(text))
  scene = { folder: folder.path, config, effects: () => [], pids: () => [] }
})
after(async () => {
  await endGateways()
  folder[Symbol.dispose]()
})

const asTask = async (gateway: Gateway, method: string, params: Wire): Promise<Wire> =>
  (await ask(gateway.url, modern(method, { params, meta: envelope({}, TASKS) }))).json.result

const start = async (gateway: Gateway, tool: string, mark: string): Promise<string> =>
  String(
    (await asTask(gateway, 'tools/call', { name: `gated_${tool}`, arguments: { mark } })).taskId,
  )

const times = (mark: string): number =>
  (existsSync(effects) ? readFileSync(effects, 'utf8') : '')
    .split('\n')
    .filter((line) => line.split(' ')[1] === mark).length

/** The command line of whoever decides, in a process of its own data: it finds the gateway, or none. */
const cli = (...argv: readonly string[]): Promise<Said> =>
  countersign(folder.path, ...argv, '--config', scene.config)

const over = (gateway: Gateway, taskId: string): Promise<Wire> =>
  until(`${taskId} is over, or unknown`, async () => {
    const task = await asTask(gateway, 'tasks/get', { taskId })
    const isUnknown = String(task.statusMessage ?? '').startsWith('Unknown outcome')
    return task.status === 'working' && !isUnknown ? undefined : task
  })

// PO-020
it('what waits goes on waiting, whoever dies, and what was answered meanwhile is carried out once', async () => {
  const first = await startGateway(scene)
  const marks = ['asked', 'denied', 'offline'] as const
  const ids = new Map<string, string>()
  for (const mark of marks) ids.set(mark, await start(first, 'drop', mark))
  await first.kill('SIGKILL')

  // Nobody runs: the command line opens the store itself.
  const offline = await cli('approve', String(ids.get('offline')), '--yes')
  assert.equal(offline.code, 0, offline.err)
  assert.match(offline.out, /It is carried out when the gateway runs again/)
  assert.match(offline.out, /"mark": "offline"/)
  assert.equal(times('offline'), 0)

  const second = await startGateway(scene)
  const done = await over(second, String(ids.get('offline')))
  assert.equal(done.status, 'completed')
  assert.equal(times('offline'), 1)

  const waiting = await asTask(second, 'tasks/get', { taskId: ids.get('asked') })
  assert.equal(waiting.status, 'working')
  assert.match(waiting.statusMessage, /^Waiting for approval by someone of "sre"/)
  const listed = await cli('approvals')
  assert.match(listed.out, /ap_\S+ +open +gated drop \(destructive\) +local/)
  const denied = await cli('deny', String(ids.get('denied')), '--reason', 'no', '--yes')
  assert.equal(denied.code, 0, denied.err)
  const approved = await cli('approve', String(ids.get('asked')), '--yes')
  assert.match(approved.out, /It is carried out now, once/)
  assert.equal((await over(second, String(ids.get('asked')))).result.content[0].text, 'asked')
  const refused = await over(second, String(ids.get('denied')))
  assert.match(refused.result.content[0].text, /^Nothing was executed\..*Their reason: no\./)
  assert.deepEqual(marks.map(times), [1, 0, 1])
  assert.deepEqual(await second.kill('SIGTERM'), [0, null])
})

it(
  'a yes is good for one effect, whenever the gateway dies after it',
  { timeout: 120_000 },
  async () => {
    const TOOLS = ['look', 'put', 'add', 'drop'] as const
    const ids = new Map<string, string>()
    for (let round = 0; round < 4; round++) {
      const gateway = await startGateway(scene)
      const made = await Promise.all(
        TOOLS.map(async (tool) => {
          const mark = `${tool}-${round}`
          ids.set(mark, await start(gateway, tool, mark))
          return String(ids.get(mark))
        }),
      )
      const deciding = made.map((id) => cli('approve', id, '--yes').catch(() => undefined))
      // Some of them are decided, some are on their way, some are done.
      await Promise.race(round % 2 === 0 ? deciding : [Promise.all(deciding)])
      await gateway.kill('SIGKILL')
      await Promise.all(deciding)
    }
    const last = await startGateway(scene)
    for (const [mark, id] of ids) {
      const [tool = ''] = mark.split('-')
      const { state } = JSON.parse((await cli('approvals', 'show', id, '--json')).out)
      if (state === 'open') await cli('approve', id, '--yes')
      const task = await over(last, id)
      if (tool === 'add' || tool === 'drop') assert.ok(times(mark) <= 1, `${mark}: ${times(mark)}`)
      if (tool === 'look' || tool === 'put') assert.equal(task.status, 'completed', mark)
      if (task.status !== 'completed') continue
      assert.equal(task.result.isError, undefined, `${mark}: ${JSON.stringify(task.result)}`)
      assert.ok(times(mark) >= 1, `${mark} was not done`)
    }
    assert.deepEqual(await last.kill('SIGTERM'), [0, null])
  },
)
