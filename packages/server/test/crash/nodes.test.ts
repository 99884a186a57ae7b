// Processes that share a Postgres: what one leaves when it dies, the other goes on with; and when the
// database itself is gone, nothing is done until it is back.

import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from '@countersign/contract'
import { fileURLToPath } from 'node:url'
import { launch } from '../../../../test/conformance/processes.ts'
import {
  findPostgres,
  startPostgres,
  type RunningPostgres,
} from '../../../../test/records/postgres-server.ts'
import { makeFolder, until } from '../stories/house.ts'
import {
  ask,
  envelope,
  legacy,
  modern,
  rpc,
  session,
  type Answer,
  type Wire,
} from '../stories/raw.ts'
import { call, endGateways, startGateway, WITNESS, type Gateway, type Scene } from './gateway.ts'

const GATED = fileURLToPath(new URL('gated.ts', import.meta.url))
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
const found = findPostgres()

describe('processes that share a Postgres', { skip: 'why' in found ? found.why : false }, () => {
  let folder: ReturnType<typeof makeFolder>
  let postgres: RunningPostgres
  before(async () => {
    folder = makeFolder()
    if ('bin' in found) postgres = await startPostgres(found.bin)
  })
  after(async () => {
    await endGateways()
    await postgres.stop()
    folder[Symbol.dispose]()
  })

  /** A node with these servers, and the keys of another. */
  const sceneOf = (name: string, servers: Wire, keysFrom?: Scene): Scene => {
    const place = join(folder.path, name)
    mkdirSync(place)
    const config = join(place, 'countersign.json')
    const text = {
      listen: { port: 0 },
      data: 'data',
      store: { postgres: postgres.connectionString, connections: 6 },
      ledger: { reads: 'ahead' },
      tasks: { after: '100 ms', pollsPerSecondMax: 10_000 },
      limits: { closeMs: 0 },
      servers,
    }
    writeFileSync(config, JSON.stringify(text))
    if (keysFrom) {
      const keys = ({ folder: at }: Pick<Scene, 'folder'>): string => join(at, 'data', 'keys')
      cpSync(keys(keysFrom), keys({ folder: place }), { recursive: true })
    }
    return { folder: place, config, effects: () => [], pids: () => [] }
  }
  const lines = (file: string): readonly string[] =>
    existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []

  // ND-007
  it('go on with the tasks of one that was killed, each by its own rule', async () => {
    const [gate, effects] = [join(folder.path, 'gate'), join(folder.path, 'effects')]
    const gated = { command: process.execPath, args: [GATED, effects, gate], cwd: folder.path }
    const one = sceneOf('one', { gated })
    const first = await startGateway(one)
    const other = await startGateway(sceneOf('other', { gated }, one))
    const asTask = (at: Gateway, method: string, params: Wire): Promise<Answer> =>
      ask(at.url, modern(method, { params, meta: envelope({}, TASKS) }))
    const ids = new Map<string, string>()
    for (const tool of ['look', 'add']) {
      const params = { name: `gated_${tool}`, arguments: { mark: tool } }
      const { json } = await asTask(first, 'tools/call', params)
      assert.equal(json.result?.resultType, 'task', JSON.stringify(json))
      ids.set(tool, String(json.result.taskId))
    }
    await until('both are sent', () => lines(effects).length === 2)
    await first.kill('SIGKILL')
    writeFileSync(gate, '')
    const endOf = (tool: string): Promise<Wire> =>
      until(`${tool} is over, or unknown`, async () => {
        const { json } = await asTask(other, 'tasks/get', { taskId: ids.get(tool) })
        const { status, statusMessage = '' } = json.result
        const isUnknown = String(statusMessage).startsWith('Unknown outcome')
        return status !== 'working' || isUnknown ? json.result : undefined
      })
    const [look, add] = [await endOf('look'), await endOf('add')]
    assert.equal(look.status, 'completed')
    assert.equal(look.result.content[0].text, 'look')
    assert.match(String(add.statusMessage), /^Unknown outcome/)
    const marks = lines(effects).map((line) => line.split(' ')[1])
    const times = (tool: string): number => marks.filter((mark) => mark === tool).length
    assert.deepEqual([times('look'), times('add')], [2, 1])
    assert.deepEqual(await other.kill('SIGTERM'), [0, null])
  })

  // ND-004
  it('do nothing while the database is gone, and go on when it is back', async () => {
    const effects = join(folder.path, 'http.effects')
    await using http = await launch(
      [WITNESS, '--port', '0', effects],
      (line) => /^listening (\S+)$/.exec(line)?.[1],
      { verbose: false },
    )
    const keys = join(folder.path, 'one')
    const scene = sceneOf(
      'alone',
      { http: { url: http.url } },
      {
        folder: keys,
        config: '',
        effects: () => [],
        pids: () => [],
      },
    )
    const gateway = await startGateway(scene)
    const before_ = await call(gateway, 'http', 'write', 'before')
    assert.equal(before_.json.result.content[0].text, 'before')
    const mine = await session(gateway.url)
    await postgres.crash()
    for (const tool of ['write', 'read', 'charge'] as const) {
      const { status, json } = await call(gateway, 'http', tool, 'never')
      assert.equal(status, 200)
      assert.equal(json.result, undefined)
      assert.match(json.error.message, /^(?:Nothing was executed|The call was not sent)/)
    }
    const other = await ask(gateway.url, legacy(rpc('tools/list'), mine))
    if (other.status !== 200) assert.equal(other.status, 503, other.text)
    const token = readFileSync(join(scene.folder, 'data', 'keys', 'admin.key'), 'utf8').trim()
    const admin = connect(new URL(gateway.url.origin), () => token)
    await assert.rejects(admin.listEntries({ last: 1 }), { code: 'store/unavailable' })
    assert.equal((await fetch(new URL('/healthz', gateway.url))).status, 200)
    assert.deepEqual(lines(effects), ['before'])
    await postgres.startAgain()
    await until('it goes on', async () => {
      const { json } = await call(gateway, 'http', 'write', 'after')
      return json.result !== undefined
    })
    assert.ok(!lines(effects).includes('never'), 'a refused call was done later')
    assert.deepEqual(await gateway.kill('SIGTERM'), [0, null])
  })
})
