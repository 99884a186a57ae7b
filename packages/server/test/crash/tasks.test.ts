// Calls that became tasks, and a gateway that dies: each effect class by its own rule.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeFolder, until } from '../stories/house.ts'
import { ask, envelope, modern, type Answer, type Wire } from '../stories/raw.ts'
import { endGateways, startGateway, type Gateway, type Scene } from './gateway.ts'

const SERVER = fileURLToPath(new URL('gated.ts', import.meta.url))
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
type Tool = 'look' | 'put' | 'add' | 'drop' | 'checked'
const TOOLS: readonly Tool[] = ['look', 'put', 'add', 'drop', 'checked']

let folder: ReturnType<typeof makeFolder>
let scene: Scene
let gate: string
let effects: string
before(() => {
  folder = makeFolder()
  gate = join(folder.path, 'gate')
  effects = join(folder.path, 'effects')
  const config = join(folder.path, 'countersign.json')
  const text = {
    listen: { port: 0 },
    data: 'data',
    tasks: { after: '100 ms', pollsPerSecondMax: 10_000 },
    limits: { closeMs: 0 },
    servers: {
      gated: {
        command: process.execPath,
        args: [SERVER, effects, gate],
        tools: {
          checked: { reconcile: { tool: 'happened', arguments: { mark: '$.arguments.mark' } } },
        },
      },
    },
  }
  writeFileSync(config, JSON.stringify(text))
  scene = { folder: folder.path, config, effects: () => [], pids: () => [] }
})
after(async () => {
  await endGateways()
  folder[Symbol.dispose]()
})

const asTask = (gateway: Gateway, method: string, params: Wire): Promise<Answer> =>
  ask(gateway.url, modern(method, { params, meta: envelope({}, TASKS) }))

const effectsOf = (mark: string): readonly string[] =>
  (existsSync(effects) ? readFileSync(effects, 'utf8') : '')
    .split('\n')
    .filter((line) => line.split(' ')[1] === mark)

/** Calls a tool, and resolves with the id of the task it became. */
async function start(gateway: Gateway, tool: Tool, mark: string): Promise<string> {
  const params = { name: `gated_${tool}`, arguments: { mark } }
  const { json } = await asTask(gateway, 'tools/call', params)
  assert.equal(json.result?.resultType, 'task', JSON.stringify(json))
  return String(json.result.taskId)
}

const seen = async (gateway: Gateway, taskId: string): Promise<Wire> =>
  (await asTask(gateway, 'tasks/get', { taskId })).json.result

const isUnknown = ({ status, statusMessage }: Wire): boolean =>
  status === 'working' && String(statusMessage ?? '').startsWith('Unknown outcome')

const settled = (gateway: Gateway, id: string): Promise<Wire> =>
  until(`task ${id} is over, or unknown`, async () => {
    const task = await seen(gateway, id)
    return task.status !== 'working' || isUnknown(task) ? task : undefined
  })

describe('kill -9 of the gateway while tasks are under way', () => {
  it('repeats what may be repeated, asks where it may ask, and else says that nobody knows', async () => {
    const first = await startGateway(scene)
    const ids = new Map<Tool, string>()
    for (const tool of TOOLS) ids.set(tool, await start(first, tool, `${tool}1`))
    await first.kill('SIGKILL')
    writeFileSync(gate, '')
    const second = await startGateway(scene)
    const ends = new Map<Tool, Wire>()
    for (const [tool, id] of ids) ends.set(tool, await settled(second, id))

    for (const tool of ['look', 'put'] as const) {
      assert.equal(ends.get(tool).status, 'completed')
      assert.equal(ends.get(tool).result.content[0].text, `${tool}1`)
      assert.equal(effectsOf(`${tool}1`).length, 2, 'it was repeated')
    }
    // The repetition says of itself that it is one.
    const keys = new Set(effectsOf('put1').map((line) => line.split(' ')[2]))
    assert.equal(keys.size, 1)
    assert.ok(!keys.has('-'))
    for (const tool of ['add', 'drop'] as const) {
      assert.ok(isUnknown(ends.get(tool)), JSON.stringify(ends.get(tool)))
      assert.equal(effectsOf(`${tool}1`).length, 1, 'a second time would be one too many')
    }
    // The declared tool says that it happened.
    assert.equal(ends.get('checked').status, 'completed')
    assert.deepEqual(ends.get('checked').result.structuredContent, { happened: true })
    assert.equal(effectsOf('checked1').length, 1)

    // A client without tasks reads the same in words.
    const words = await ask(
      second.url,
      modern('tools/call', {
        params: { name: 'countersign_result', arguments: { id: ids.get('add') } },
      }),
    )
    assert.equal(words.json.result.isError, true)
    assert.match(words.json.result.content[0].text, /^Unknown outcome\..*\n.*\nDo not repeat it\./)
    assert.deepEqual(await second.kill('SIGTERM'), [0, null])
  })

  it('never repeats a write, whenever it dies', { timeout: 120_000 }, async () => {
    const ROUNDS = 4
    const EACH = 6
    const ids = new Map<string, string>()
    for (let round = 0; round < ROUNDS; round++) {
      rmSync(gate, { force: true })
      const gateway = await startGateway(scene)
      const marks = TOOLS.flatMap((tool) =>
        Array.from({ length: EACH }, (_, at) => ({ tool, mark: `${tool}-${round}-${at}` })),
      )
      let created = 0
      const starting = marks.map(async ({ tool, mark }) => {
        const id = await start(gateway, tool, mark).catch(() => undefined)
        if (id !== undefined) ids.set(mark, id)
        created++
      })
      // Some of them are tasks, some are on their way, some are being answered.
      await until('enough are under way', () => created > round * EACH || undefined)
      if (round % 2 === 1) writeFileSync(gate, '')
      await gateway.kill('SIGKILL')
      await Promise.all(starting)
    }
    writeFileSync(gate, '')
    const last = await startGateway(scene)
    for (const [mark, id] of ids) {
      const task = await settled(last, id)
      const tool = mark.split('-')[0] ?? ''
      const times = effectsOf(mark).length
      if (tool === 'look' || tool === 'put') assert.equal(task.status, 'completed', mark)
      else assert.ok(times <= 1, `${mark} happened ${times} times`)
      if (task.status === 'completed') assert.ok(times >= 1, `${mark} was not done`)
      if (tool === 'checked') assert.equal(task.status, 'completed', mark)
    }
    assert.ok(ids.size > ROUNDS * EACH, `only ${ids.size} tasks`)
    assert.deepEqual(await last.kill('SIGTERM'), [0, null])
  })
})
