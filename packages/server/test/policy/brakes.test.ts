// The brake: one command, and nothing of it is called any more.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, type Admin } from '@countersign/contract'
import { startIssuer, type FakeIssuer } from '../auth/fake-issuer.ts'
import {
  bearer,
  calling,
  openGuarded,
  PEER,
  send,
  type GuardedHouse,
} from '../auth/guarded-house.ts'
import { until } from '../stories/house.ts'

const EVERY = 'mcp:discover peer:admin other:admin'

let issuer: FakeIssuer
let house: GuardedHouse
let admin: Admin
before(async () => {
  issuer = await startIssuer()
  house = await openGuarded({
    auth: { issuers: [{ issuer: issuer.issuer }] },
    servers: { peer: PEER, other: PEER },
  })
  const url = new URL(`http://127.0.0.1:${String(house.port)}`)
  admin = connect(url, () => house.house.adminToken.reveal())
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
})

type Calling = readonly [sub: string, tool: string, server?: string, client?: string]

const call = async (...[sub, tool, server = 'peer', client = 'robot']: Calling) => {
  const aud = house.audience(server)
  const token = await issuer.mint({ claims: { sub, aud, scope: EVERY, client_id: client } })
  return send(house, calling(tool, bearer(token)), server)
}
const isRefused = async (asked: ReturnType<typeof call>, why: RegExp): Promise<void> => {
  const { status, json } = await asked
  assert.equal(status, 200)
  assert.equal(json.result.isError, true)
  assert.match(json.result.content[0].text, /^Nothing was executed\. /)
  assert.match(json.result.content[0].text, why)
}
const isAnswered = async (asked: ReturnType<typeof call>): Promise<void> => {
  const { json, text } = await asked
  assert.notEqual(json.result?.isError, true, text)
  assert.ok(json.result, text)
}

interface Case {
  readonly what: string
  readonly stopped: Parameters<Admin['pullBrake']>[0]['stopped']
  readonly refused: Calling
  readonly others: readonly Calling[]
}
const CASES: readonly Case[] = [
  {
    what: 'a tool',
    stopped: { what: 'tool', server: 'peer', tool: 'echo' },
    refused: ['ada', 'echo'],
    others: [
      ['ada', 'seen'],
      ['ada', 'echo', 'other'],
    ],
  },
  {
    what: 'a server',
    stopped: { what: 'server', server: 'peer' },
    refused: ['ada', 'seen'],
    others: [['ada', 'seen', 'other']],
  },
  {
    what: 'a client',
    stopped: { what: 'client', client: 'robot' },
    refused: ['ada', 'echo'],
    others: [['ada', 'echo', 'peer', 'desk']],
  },
  {
    what: 'everything',
    stopped: { what: 'everything' },
    refused: ['ada', 'echo', 'other'],
    others: [],
  },
]

describe('a brake', () => {
  for (const { what, stopped, refused, others } of CASES) {
    it(`stops ${what} until it is lifted, and nothing else`, async () => {
      const { brake } = await admin.pullBrake({ stopped, reason: 'it went wild' })
      await isRefused(call(...refused), /was stopped by whoever runs this gateway: it went wild\./)
      for (const other of others) await isAnswered(call(...other))
      assert.deepEqual(
        (await admin.listBrakes({})).map(({ id }) => id),
        [brake.id],
      )
      await admin.releaseBrake({ id: brake.id, reason: 'tamed' })
      await isAnswered(call(...refused))
      assert.deepEqual(await admin.listBrakes({}), [])
    })
  }

  it('stops a principal, and ends its tokens when that is wanted', async () => {
    const principal = `${issuer.issuer}#eve`
    const aud = house.audience('peer')
    const token = await issuer.mint({ claims: { sub: 'eve', aud, scope: EVERY } })
    const asked = () => send(house, calling('echo', bearer(token)), 'peer')
    await isAnswered(asked())
    const stopped = { what: 'principal', principal } as const
    const { brake } = await admin.pullBrake({ stopped, reason: 'stolen', revokes: true })
    assert.equal((await asked()).status, 401)
    await isAnswered(call('ada', 'echo'))
    await admin.releaseBrake({ id: brake.id, reason: 'a new laptop' })
    assert.equal((await asked()).status, 401)
  })

  it('is in the ledger, pulled and lifted, with who and why', async () => {
    const entries = await admin.listEntries({ last: 200 })
    const kinds = entries.filter(({ kind }) => kind.startsWith('brake.'))
    assert.ok(kinds.length >= 10)
    assert.equal(kinds[0]?.body['reason'], 'it went wild')
    assert.equal(kinds[0]?.body['by'], 'operator')
  })

  it('on what does not exist is refused, so that nobody believes that something was stopped', async () => {
    const pulled = [
      { what: 'server', server: 'pere' },
      { what: 'tool', server: 'pere', tool: 'echo' },
      { what: 'principal', principal: 'ada' },
    ] as const
    for (const stopped of pulled) {
      await assert.rejects(house.house.admin.pullBrake({ stopped, reason: 'a typo' }), {
        code: 'rpc/bad-params',
      })
    }
    await assert.rejects(house.house.admin.revoke({ user: 'ada' }), { code: 'rpc/bad-params' })
  })

  it('that is not there cannot be lifted, and tokens of a server cannot be revoked', async () => {
    await assert.rejects(admin.releaseBrake({ id: 'brake_none', reason: 'x' }), /no brake/)
    const stopped = { what: 'server', server: 'peer' } as const
    await assert.rejects(admin.pullBrake({ stopped, reason: 'x', revokes: true }), /tokens/)
    assert.deepEqual(await admin.listBrakes({}), [])
  })
})

it('a brake cancels what is under way, when that is wanted', async () => {
  await using slow = await openGuarded({
    auth: { issuers: [{ issuer: issuer.issuer }] },
    servers: { peer: { ...PEER, tools: { wait_write: { effect: 'write' } } } },
    tasks: { after: '100 ms' },
  })
  const aud = slow.audience('peer')
  const token = await issuer.mint({ claims: { sub: 'ada', aud, scope: EVERY } })
  const { admin: desk } = slow.house
  const hanging = send(slow, calling('wait_write', bearer(token)), 'peer')
  let id = ''
  await until('it is a task', async () => {
    const { tasks } = await desk.listTasks({ states: 'working,waiting' })
    id = tasks[0]?.id ?? ''
    return id !== ''
  })
  const stopped = { what: 'server', server: 'peer' } as const
  const { cancelled } = await desk.pullBrake({ stopped, reason: 'fire', cancels: true })
  assert.deepEqual(cancelled, [id])
  assert.match((await hanging).text, /Cancelled\..* was stopped: fire\. /)
})

it('a brake that was pulled is still on after a restart', async (context) => {
  const data = mkdtempSync(join(tmpdir(), 'countersign-brake-'))
  context.after(() => {
    rmSync(data, { recursive: true, force: true })
  })
  const plan = { auth: { issuers: [{ issuer: issuer.issuer }] }, data }
  {
    await using first = await openGuarded(plan)
    await first.house.admin.pullBrake({ stopped: { what: 'everything' }, reason: 'fire' })
  }
  await using second = await openGuarded(plan)
  const aud = second.audience('peer')
  const token = await issuer.mint({ claims: { sub: 'ada', aud, scope: EVERY } })
  await isRefused(send(second, calling('echo', bearer(token)), 'peer'), /fire/)
})
