// What is left after `kill -9` in the middle of everything, and after a polite SIGTERM.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { launch, type Running } from '../../../../test/conformance/processes.ts'
import { makeFolder, until } from '../stories/house.ts'
import {
  call,
  endGateways,
  isAlive,
  ledgerIn,
  makeScene,
  startGateway,
  WITNESS,
  type Gateway,
  type Line,
  type Scene,
} from './gateway.ts'

const ROUNDS = 10
const CLIENTS = 16
const SEED = 20_261_122
/** Between the start of the calls and the kill, so that it meets every stage of them. */
const KILL_WITHIN_MS = 250

/** Mulberry32: small, and the same everywhere. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

let folder: ReturnType<typeof makeFolder>
let http: Running
let scene: Scene
before(async () => {
  folder = makeFolder()
  http = await launch(
    [WITNESS, '--port', '0', `${folder.path}/http.effects`],
    (line) => /^listening (\S+)$/.exec(line)?.[1],
    { verbose: false },
  )
  scene = makeScene(folder.path, http.url)
})
after(async () => {
  await endGateways()
  await http[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

interface Acknowledged {
  readonly mark: string
  readonly call: string
  readonly tool: string
  readonly server: string
}

/** One client that calls until the gateway is gone; keeps what it was told. */
async function client(gateway: Gateway, name: string, told: Acknowledged[]): Promise<void> {
  for (let at = 0; ; at++) {
    const server = (at + name.length) % 2 === 0 ? 'stdio' : 'http'
    const tool = at % 3 === 0 ? 'read' : 'write'
    const mark = `${name}.${at}`
    // One call after the other, as an agent does it.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const answer = await call(gateway, server, tool, mark).catch(() => undefined)
    if (!answer) return
    const result = answer.json?.result
    if (result?.content?.[0]?.text !== mark) return // Cut off in the middle of the answer.
    const { call: id } = result._meta['dev.countersign/receipt']
    told.push({ mark, call: id, tool, server })
  }
}

interface Pair {
  readonly opened: Line | undefined
  readonly closed: readonly Line[]
}

function pairs(lines: readonly Line[]): ReadonlyMap<string, Pair> {
  const found = new Map<string, { opened: Line | undefined; closed: Line[] }>()
  for (const line of lines) {
    if (line.call === null) continue
    const pair = found.get(line.call) ?? { opened: undefined, closed: [] }
    found.set(line.call, pair)
    if (line.kind === 'call.opened') {
      assert.equal(pair.opened, undefined, `${line.call} was opened twice`)
      pair.opened = line
    } else pair.closed.push(line)
  }
  return found
}

describe('kill -9 while sixteen clients call', () => {
  it('orphans nothing, and loses nothing that was acknowledged', { timeout: 240_000 }, async () => {
    const random = chance(SEED)
    const told: Acknowledged[] = []
    let unknown = 0
    for (let round = 0; round < ROUNDS; round++) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- one life after the other
      await oneLife(round, random, told, (recovered) => {
        unknown += recovered
      })
    }
    // The last life: everything of the ones before is settled.
    const last = await startGateway(scene)
    unknown += last.recovered.length
    assert.deepEqual(await last.kill('SIGTERM'), [0, null])
    const ledger = pairs(ledgerIn(scene))
    for (const { mark, call: id } of told) {
      const pair = ledger.get(id)
      assert.ok(pair?.opened, `${mark} was acknowledged, and its opening is not in the ledger`)
    }
    const outcomes = [...ledger].map(([id, { opened, closed }]) => {
      assert.ok(opened, `${id} was closed without being opened`)
      assert.equal(closed.length, 1, `${id} has ${closed.length} closings`)
      return closed[0]?.body['outcome']
    })
    assert.equal(outcomes.filter((one) => one === 'unknown').length, unknown)
    assert.ok(told.length > ROUNDS * CLIENTS, `only ${told.length} calls`)
    assert.ok(unknown > 0, 'no kill met a call under way: the story proves nothing')
    // An acknowledged write happened exactly once, and no effect is without an opening.
    const writes = [...ledger.values()].filter(({ opened }) => opened?.body['name'] === 'write')
    const effects = [...scene.effects('stdio'), ...scene.effects('http')]
    assert.equal(new Set(effects).size, effects.length)
    for (const { mark, tool } of told) {
      if (tool === 'write') assert.ok(effects.includes(mark), mark)
    }
    assert.ok(
      effects.length <= writes.length,
      `${effects.length} effects, ${writes.length} openings`,
    )
  })
})

async function oneLife(
  round: number,
  random: () => number,
  told: Acknowledged[],
  recover: (calls: number) => void,
): Promise<void> {
  const gateway = await startGateway(scene)
  recover(gateway.recovered.length)
  const mine: Acknowledged[] = []
  const clients = Array.from({ length: CLIENTS }, (_, at) =>
    client(gateway, `r${round}c${at}`, mine),
  )
  await until('both servers answer', () => new Set(mine.map(({ server }) => server)).size === 2)
  await pause(random() * KILL_WITHIN_MS)
  const pids = scene.pids()
  assert.ok(pids.some(isAlive))
  await gateway.kill('SIGKILL')
  await Promise.all(clients)
  await until('every child is gone', () => scene.pids().every((pid) => !isAlive(pid)))
  // Before anybody repairs anything, what was acknowledged is on disk.
  const ledger = pairs(ledgerIn(scene))
  for (const { mark, call: id, tool } of mine) {
    assert.ok(ledger.get(id)?.opened, `${mark} (${tool}) has no opening on disk`)
    assert.equal(ledger.get(id)?.closed.length, 1, `${mark} (${tool}) is not closed on disk`)
  }
  told.push(...mine)
}

describe('SIGTERM in the middle of calls', () => {
  it('lets what is under way finish, and ends with 0', { timeout: 60_000 }, async () => {
    const gateway = await startGateway(scene)
    const told: Acknowledged[] = []
    const clients = Array.from({ length: 8 }, (_, at) => client(gateway, `term${at}`, told))
    await until('the first answers are there', () => told.length > 8)
    assert.deepEqual(await gateway.kill('SIGTERM'), [0, null])
    await Promise.all(clients)
    assert.ok(scene.pids().every((pid) => !isAlive(pid)))
    const ledger = pairs(ledgerIn(scene))
    for (const { call: id } of told) assert.equal(ledger.get(id)?.closed.length, 1)
    const all = [...ledger.values()]
    assert.ok(all.every(({ closed }) => closed.length === 1))
  })

  it(
    'records what was sent and will not finish as unknown, and ends with 0',
    { timeout: 60_000 },
    async () => {
      using other = makeFolder()
      const hasty = makeScene(other.path, http.url, 0)
      const gateway = await startGateway(hasty)
      const hanging = [1, 2].map((at) =>
        call(gateway, 'stdio', 'wait', `w${at}`).catch(() => undefined),
      )
      await until('both have begun', () => hasty.effects('stdio').length === 2)
      assert.deepEqual(await gateway.kill('SIGTERM'), [0, null])
      await Promise.all(hanging)
      const outcomes = [...pairs(ledgerIn(hasty)).values()].map(
        ({ closed }) => closed[0]?.body['outcome'],
      )
      assert.deepEqual(outcomes, ['unknown', 'unknown'])
      assert.ok(hasty.pids().every((pid) => !isAlive(pid)))
    },
  )
})
