// `kill -9` in the middle of calls, on both stores: afterwards journal, entries and tree agree, and an
// export is found whole. And a store that cannot be written any more: then nothing is done.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from '@countersign/contract'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { launch, type Running } from '../../../../test/conformance/processes.ts'
import {
  findPostgres,
  startPostgres,
  type RunningPostgres,
} from '../../../../test/records/postgres-server.ts'
import { makeFolder, PROGRAMS, until } from '../stories/house.ts'
import {
  call,
  endGateways,
  makeScene,
  startGateway,
  WITNESS,
  type Gateway,
  type Scene,
} from './gateway.ts'

const run = promisify(execFile)
const found = findPostgres()
const CLIENTS = 6
/** Answers in one life before the kill, so that it meets every stage of others. */
const KILLS_AFTER = [2, 41, 17]

let folder: ReturnType<typeof makeFolder>
let http: Running
let postgres: RunningPostgres | undefined
before(async () => {
  folder = makeFolder()
  http = await launch(
    [WITNESS, '--port', '0', `${folder.path}/http.effects`],
    (line) => /^listening (\S+)$/.exec(line)?.[1],
    { verbose: false },
  )
  postgres = 'bin' in found ? await startPostgres(found.bin) : undefined
})
after(async () => {
  await endGateways()
  await http[Symbol.asyncDispose]()
  await postgres?.stop()
  folder[Symbol.dispose]()
})

/** A folder whose gateway keeps everything in the embedded store, or in this database. */
function sceneOf(name: string, address?: string, keysFrom?: Scene): Scene {
  const place = join(folder.path, name)
  mkdirSync(place)
  const scene = makeScene(place, http.url)
  if (address !== undefined) {
    const written = JSON.parse(readFileSync(scene.config, 'utf8'))
    const text = { ...written, store: { postgres: address, connections: 6 } }
    writeFileSync(scene.config, JSON.stringify(text))
  }
  if (keysFrom) {
    cpSync(join(keysFrom.folder, 'data', 'keys'), join(place, 'data', 'keys'), { recursive: true })
  }
  return scene
}

/** Of the clients whose names begin so. */
const effectsOf = (name: string): readonly string[] =>
  readFileSync(`${folder.path}/http.effects`, 'utf8')
    .split('\n')
    .filter((mark) => mark.startsWith(name))

/** Calls until the gateway is gone; keeps what it was told. */
async function client(gateway: Gateway, name: string, told: string[]): Promise<void> {
  for (let at = 0; ; at++) {
    const tool = (['write', 'read', 'charge'] as const)[at % 3] ?? 'read'
    // oxlint-disable-next-line eslint/no-await-in-loop -- one after the other, as an agent does it
    const answer = await call(gateway, 'http', tool, `${name}.${at}`).catch(() => undefined)
    const receipt = answer?.json?.result?._meta?.['dev.countersign/receipt']?.call
    if (receipt === undefined) return
    told.push(receipt)
  }
}

async function oneLife(scene: Scene, name: string, answers: number, told: string[]): Promise<void> {
  const gateway = await startGateway(scene)
  const clients = Array.from({ length: CLIENTS }, (_, at) => client(gateway, `${name}.${at}`, told))
  const enough = told.length + answers
  await until(`${String(answers)} answers`, () => told.length >= enough)
  await gateway.kill('SIGKILL')
  await Promise.all(clients)
}

const countersign = async (...args: readonly string[]): Promise<string> =>
  (await run(process.execPath, [PROGRAMS.main, ...args])).stdout

/** What an auditor does, with an export and a key, and nothing else. */
async function audit(scene: Scene, name: string, told: readonly string[]): Promise<void> {
  const file = join(scene.folder, `${String(told.length)}.jsonl`)
  await countersign('ledger', 'export', file, '--config', scene.config)
  const key = JSON.parse(await countersign('ledger', 'key', '--config', scene.config, '--json')).key
  assert.match(await countersign('verify', file, '--key', key), /^Whole: /m)
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => (line.includes('"entry":') ? [JSON.parse(line).entry] : []))
  const kinds = Map.groupBy(entries, ({ call: id }) => id)
  for (const id of told) {
    const of = kinds.get(id)?.map(({ kind }) => kind) ?? []
    assert.ok(of.includes('call.opened') && of.includes('call.closed'), `${id}: ${of.join()}`)
  }
  for (const [id, of] of kinds) {
    const opened = of.filter(({ kind }) => kind === 'call.opened').length
    const closed = of.filter(({ kind }) => kind === 'call.closed').length
    assert.equal(opened, closed, id)
  }
  // No effect without an opening.
  const sent = entries.filter(({ kind, body }) => kind === 'call.opened' && body.name !== 'read')
  const marks = effectsOf(name)
  assert.ok(marks.length > 0 && marks.length <= sent.length, `${marks.length} of ${sent.length}`)
}

/** Calls that were opened, and those of them that are not closed. */
async function openIn(
  gateway: Gateway,
  { folder: place }: Scene,
): Promise<readonly [number, number]> {
  const token = readFileSync(join(place, 'data', 'keys', 'admin.key'), 'utf8').trim()
  const admin = connect(new URL(gateway.url.origin), () => token)
  const [opened, closed] = [[] as (string | undefined)[], [] as (string | undefined)[]]
  for (let seen = 0; ;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- page by page
    const page = await admin.listEntries({ after: seen })
    for (const { kind, call: id } of page) {
      if (kind === 'call.opened') opened.push(id)
      if (kind === 'call.closed') closed.push(id)
    }
    const last = page.at(-1)
    if (!last) return [opened.length, opened.length - closed.length]
    seen = last.seq
  }
}

/** Tasks that were cut off go on, and what a dead node left open is closed by another after a while. */
const untilClosed = (gateway: Gateway, scene: Scene): Promise<unknown> =>
  until('nothing is left open', async () => {
    const [opened, open] = await openIn(gateway, scene)
    if (opened > 0 && open === 0) return true
    await pause(300)
    return undefined
  })

// ND-010
describe('kill -9 in the middle of calls', () => {
  it('leaves an embedded ledger that is found whole', { timeout: 60_000 }, async () => {
    const scene = sceneOf('embedded')
    const told: string[] = []
    for (const [at, answers] of KILLS_AFTER.entries()) {
      await oneLife(scene, `e${at}`, answers, told)
    }
    const last = await startGateway(scene)
    await call(last, 'http', 'write', 'e-last')
    await untilClosed(last, scene)
    await audit(scene, 'e', told)
    assert.deepEqual(await last.kill('SIGTERM'), [0, null])
    assert.ok(told.length > 0)
  })

  it(
    'leaves a ledger in Postgres that the other node closes, signs and proves',
    { timeout: 90_000, skip: 'why' in found ? found.why : false },
    async () => {
      const address = postgres?.connectionString
      const first = sceneOf('first', address)
      const told: string[] = []
      const stays = await startGateway(first)
      const second = sceneOf('second', address, first)
      const clients = [client(stays, 'p-stays', told)]
      for (const [at, answers] of KILLS_AFTER.entries()) {
        await oneLife(second, `p${at}`, answers, told)
      }
      const over = Promise.all(clients)
      // The node that stays closes what the dead ones left open, and does its own work meanwhile.
      await stays.kill('SIGTERM')
      await over
      const last = await startGateway(second)
      await untilClosed(last, second)
      await audit(second, 'p', told)
      assert.deepEqual(await last.kill('SIGTERM'), [0, null])
    },
  )
})
