// What the brake promises in a hurry: once it is answered nothing new happens, whoever waits for what.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { META } from '@countersign/contract'
import { systemWorld } from '#base'
import { openBrakes } from '#policy'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { silentLog } from '#telemetry'
import { startIssuer } from '../auth/fake-issuer.ts'
import { bearer, calling, openGuarded, PEER, send } from '../auth/guarded-house.ts'
import { makeFolder, until } from '../stories/house.ts'
import { ask, envelope, modern, type Answer } from '../stories/raw.ts'
import { countersign } from './command.ts'
import { openPolicyHouse, type PolicyHouse } from './policy-house.ts'

const POLICIES = { 'a.cedar': '@id("all") permit(principal, action, resource);' }
const LATE = fileURLToPath(new URL('late-cabinet.ts', import.meta.url))
const RUN = 'dev.countersign/run'
const CALLERS = 64

const gates = makeFolder()
const gate = join(gates.path, 'gate')
const lateEffects = join(gates.path, 'late.txt')
let house: PolicyHouse
before(async () => {
  house = await openPolicyHouse({
    policies: POLICIES,
    servers: { late: { command: process.execPath, args: [LATE, gate, lateEffects], idleMs: 50 } },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  gates[Symbol.dispose]()
})

const call = (name: string, run?: string, view = 'cabinet'): Promise<Answer> => {
  const meta = envelope(run === undefined ? {} : { [RUN]: run })
  return ask(house.at(view), modern('tools/call', { params: { name, arguments: {} }, meta }))
}
const isStopped = ({ text }: Answer): boolean => text.includes('was stopped by whoever runs this')
const lift = async (id: string): Promise<void> => {
  await house.house.admin.releaseBrake({ id, reason: 'it was a drill' })
}

it('after the answer of stop not one new effect happens, with 64 callers over HTTP', async () => {
  // BK-001
  await call('write_note')
  const { admin } = house.house
  const over = new AbortController()
  let answered = 0
  let started = 0
  const afterStop: Answer[] = []
  let isAnswered = false
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!over.signal.aborted) {
      started++
      const isNew = isAnswered
      const answer = await call('write_note')
      if (isNew) afterStop.push(answer)
      if (!isStopped(answer)) answered++
    }
  })
  await until('they are under way', () => started > 2 * CALLERS || undefined)
  const stopped = { what: 'server', server: 'cabinet' } as const
  const { brake } = await admin.pullBrake({ stopped, reason: 'a drill' })
  isAnswered = true
  await until('all have called since', () => afterStop.length > 2 * CALLERS || undefined)
  over.abort()
  await Promise.all(callers)
  assert.deepEqual(
    afterStop.filter((one) => !isStopped(one)),
    [],
  )
  // What was refused had no effect, and what had one was answered.
  assert.equal(house.effects().filter((one) => one === 'write_note').length, answered + 1)
  await lift(brake.id)
})

it('a call that waits for its server to start is stopped when that is there', async () => {
  // BK-001
  const { admin } = house.house
  writeFileSync(gate, '')
  assert.ok(!isStopped(await call('wipe', undefined, 'late')))
  await until('it was stopped for want of work', async () => {
    const [late] = (await admin.listServers({})).filter(({ id }) => id === 'late')
    return late?.pid === undefined || undefined
  })
  rmSync(gate)
  const waiting = Array.from({ length: 8 }, () => call('wipe', undefined, 'late'))
  await until('they are written down', async () => {
    const opened = await house.entries('call.opened')
    return opened.filter(({ body }) => body['server'] === 'late').length === 9 || undefined
  })
  const stopped = { what: 'server', server: 'late' } as const
  const { brake } = await admin.pullBrake({ stopped, reason: 'a drill' })
  writeFileSync(gate, '')
  const said = await Promise.all(waiting)
  assert.deepEqual(
    said.filter((one) => !isStopped(one)).map(({ text }) => text),
    [],
  )
  assert.equal(readFileSync(lateEffects, 'utf8'), 'wipe\n')
  await lift(brake.id)
})

it('without tokens a brake on a client stops who calls itself so, and ends what it waits for', async () => {
  // BK-002
  const asks = '@id("ask") @ask("sre") forbid(principal, action, resource == Tool::"cabinet/wipe");'
  const policies = { 'a.cedar': `${POLICIES['a.cedar']}\n${asks}` }
  await using asking = await openPolicyHouse({ policies, groups: { sre: ['operator'] } })
  const { admin } = asking.house
  const named = (client: string, name: string, args: object = {}): Promise<Answer> => {
    const meta = envelope({ [META.clientInfo]: { name: client, version: '1' } })
    return ask(asking.at(), modern('tools/call', { params: { name, arguments: args }, meta }))
  }
  const stops = [
    { what: 'client', client: 'robot' },
    { what: 'run', run: 'client:robot 1' },
  ] as const
  for (const stopped of stops) {
    const hanging = named('robot', 'wipe', { path: stopped.what })
    const waiting = await until('it waits', async () => {
      const { tasks } = await admin.listTasks({ states: 'waiting' })
      return tasks[0]?.id
    })
    const { brake, cancelled } = await admin.pullBrake({ stopped, reason: 'x', cancels: true })
    assert.deepEqual(cancelled, [waiting], stopped.what)
    await hanging
    if (stopped.what === 'client') assert.ok(isStopped(await named('robot', 'read_note')))
    assert.ok(!isStopped(await named('desk', 'read_note')))
    await admin.releaseBrake({ id: brake.id, reason: 'it was a drill' })
  }
  assert.ok(!asking.effects().includes('wipe'))
})

describe('a brake on a run', () => {
  it('stops the calls that name it, of whom it says, and no other', async () => {
    // BK-002
    const { admin } = house.house
    const { brake } = await admin.pullBrake({
      stopped: { what: 'run', run: 'night-7', principal: 'local' },
      reason: 'it went in circles',
    })
    const refused = await call('read_note', 'night-7')
    assert.match(
      refused.text,
      /Nothing was executed\. The run night-7 of local was stopped by whoever runs this gateway: it went in circles\./,
    )
    for (const run of [undefined, 'night-8']) assert.ok(!isStopped(await call('read_note', run)))
    await lift(brake.id)
    assert.ok(!isStopped(await call('read_note', 'night-7')))
  })

  it('is pulled and lifted by commands, by a beginning of its id', async () => {
    // BK-003
    const file = house.house.config.path
    const on = await countersign(house.folder, 'stop', '--run', 'r1', '--reason', 'x', '-c', file)
    assert.match(on.out, /^The run r1 is stopped\.\ncountersign resume brake_/)
    assert.ok(isStopped(await call('read_note', 'r1')))
    const second = await house.house.admin.pullBrake({
      stopped: { what: 'client', client: 'robot' },
      reason: 'x',
    })
    const resume = (id: string) =>
      countersign(house.folder, 'resume', id, '--reason', 'x', '-c', file)
    const unclear = await resume('brake_')
    assert.equal(unclear.code, 2)
    assert.match(
      unclear.err,
      /"brake_" is the beginning of brake_\S+, brake_\S+: give more of it\./,
    )
    const [, id = ''] = /resume (brake_\S+)/.exec(on.out) ?? []
    const lifted = await resume(id.slice(0, 'brake_'.length + 8))
    assert.match(lifted.out, /^The run r1 may be called again\./)
    await lift(second.brake.id)
    assert.deepEqual(house.house.admin.listBrakes && (await house.house.admin.listBrakes({})), [])
  })
})

it('a tool that is mistyped is not stopped, and the one that was meant is named', async () => {
  // BK-003
  await call('read_note')
  const stopped = { what: 'tool', server: 'cabinet', tool: 'wpie' } as const
  await assert.rejects(house.house.admin.pullBrake({ stopped, reason: 'fire' }), {
    message: 'There is no tool "wpie" of cabinet: nothing was stopped. Did you mean "wipe"?',
  })
  const other = { what: 'server', server: 'cabinte' } as const
  await assert.rejects(house.house.admin.pullBrake({ stopped: other, reason: 'fire' }), {
    message: 'There is no server "cabinte": nothing was stopped. Did you mean "cabinet"?',
  })
  assert.ok(!isStopped(await call('wipe')))
})

it('what one node stops is stopped on another within a second', async (context: TestContext) => {
  // BK-004
  const folder = mkdtempSync(join(tmpdir(), 'countersign-stops-'))
  const store = openStore(join(folder, 'x.db'), [RECORD_TABLES])
  context.after(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })
  const records = storeRecords(systemWorld, store)
  const rooms = { world: systemWorld, log: silentLog, records, isShared: true }
  const [here, there] = [await openBrakes(rooms), await openBrakes(rooms)]
  context.after(() => {
    here.close()
    there.close()
  })
  const braked = { server: 's', name: 't', principal: 'p', clients: [], runs: ['r'] }
  const pulled = await here.pull({ what: 'run', run: 'r' }, 'operator', 'x')
  assert.ok(here.on(braked))
  await until('it is stopped there too', () => there.on(braked))
  await here.release(pulled.id)
  await until('it goes on there too', () => there.on(braked) === undefined || undefined)
})

it('a task ends when its principal is revoked, also one that is made a task after that', async () => {
  // BK-005
  const issuer = await startIssuer()
  await using slow = await openGuarded({
    auth: { issuers: [{ issuer: issuer.issuer }] },
    servers: {
      peer: { ...PEER, tools: { wait_write: { effect: 'write' }, wait: { effect: 'read' } } },
    },
    tasks: { after: '100 ms' },
  })
  const aud = slow.audience('peer')
  const scope = 'mcp:discover peer:admin'
  const tokenOf = (sub: string) => issuer.mint({ claims: { sub, aud, scope } })
  const { admin } = slow.house
  const hanging = [
    send(slow, calling('wait_write', bearer(await tokenOf('eve'))), 'peer'),
    send(slow, calling('wait_write', bearer(await tokenOf('ada'))), 'peer'),
  ].map((one) => one.catch(() => undefined))
  const open = async () => (await admin.listTasks({ states: 'working,waiting' })).tasks
  await until('both are tasks', async () => (await open()).length === 2 || undefined)
  await admin.revoke({ user: `${issuer.issuer}#eve` })
  const left = await open()
  assert.deepEqual(
    left.map(({ owner }) => owner),
    [`${issuer.issuer}#ada`],
  )
  const ended = (await slow.house.ledger.read({ after: 0 })).find(
    ({ kind }) => kind === 'task.cancelled',
  )
  assert.equal(ended?.body['by'], 'revocation')
  // It had left, and may have happened: nobody knows.
  await until('its call has its outcome', async () => {
    const closed = (await slow.house.ledger.read({ after: 0 })).filter(
      ({ kind }) => kind === 'call.closed',
    )
    return closed.some(({ body }) => body['outcome'] === 'unknown') || undefined
  })
  await admin.pullBrake({ stopped: { what: 'everything' }, reason: 'over', cancels: true })
  await Promise.all(hanging)
  await issuer[Symbol.asyncDispose]()
})
