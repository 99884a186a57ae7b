// Deciding from a chat: who is told, who may answer, and what of it counts.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { Fault } from '@countersign/contract'
import { Webhook } from 'standardwebhooks'
import { systemWorld } from '#base'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import { decisionMount } from '../../src/http/decision-mount.ts'
import { until } from '../stories/house.ts'
import type { Wire } from '../stories/raw.ts'
import { openFeedHouse, secretOf, type FeedHouse } from './feed-house.ts'
import { startReceiver, type Receiver } from './receiver.ts'

const TOLD = secretOf(1)
const SAYS = secretOf(9)
const GRACE = 'https://idp.example#grace'

let receiver: Receiver
let at: FeedHouse
before(async () => {
  receiver = await startReceiver(TOLD)
  const told = { url: receiver.url, secret: TOLD, allowPrivate: true, kinds: ['approval.*'] }
  at = await openFeedHouse({
    groups: { sre: [GRACE, 'https://idp.example#heidi', 'local'], ops: [GRACE] },
    events: {
      webhooks: [
        { name: 'chat', ...told, includeArguments: true },
        { name: 'quiet', ...told, url: `${receiver.url}/quiet` },
      ],
    },
    approvals: {
      deciders: [
        {
          name: 'slack',
          secret: SAYS,
          people: { U1: GRACE, U2: 'local', U3: 'https://idp.example#mallory' },
        },
        { name: 'ops-chat', secret: secretOf(8), as: 'ops', people: { grace: GRACE } },
      ],
    },
  })
})
after(async () => {
  await at[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

let asked = 0
/** A call that waits, and what the chat was told of it. */
async function waiting(): Promise<Wire> {
  const path = `note-${String(++asked)}`
  await at.call('delete_note', { path })
  return until('the chat is told', () =>
    receiver.received
      .filter((one) => one.path === '/hook' && one.json.kind === 'approval.asked')
      .map(({ json }) => json.body)
      .find(({ decide }) => decide.arguments.path === path),
  )
}

interface Saying {
  readonly secret?: string
  readonly id?: string
  readonly at?: Date
  readonly headers?: Readonly<Record<string, string>>
  readonly to?: string
}

interface Answer {
  readonly status: number
  readonly text: string
}

let messages = 0
function say(approval: string, body: unknown, saying: Saying = {}): Promise<Answer> {
  const { secret = SAYS, id = `msg_${String(++messages)}`, at: when = new Date() } = saying
  const { headers, to = at.origin } = saying
  const text = typeof body === 'string' ? body : JSON.stringify({ approval, ...(body as object) })
  const signed = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(when.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, when, text),
  }
  return new Promise((resolve, reject) => {
    const url = `${to}/approvals/${approval}/decision`
    const sent = request(
      url,
      { method: 'POST', headers: { ...signed, ...headers } },
      (response) => {
        let read = ''
        response.setEncoding('utf8').on('data', (part: string) => void (read += part))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: read }))
      },
    )
    sent.on('error', reject).end(text)
  })
}

const stateOf = async (id: string): Promise<string> =>
  (await at.house.admin.getApproval({ id })).state
const faultIn = ({ text }: Answer): string => JSON.parse(text).error.fault

it('EV-030: a chat is told who asks what, until when, and where to decide; arguments only where wanted', async () => {
  const body = await waiting()
  const { decide } = body
  assert.deepEqual(
    [decide.server, decide.tool, decide.effect, decide.principal, decide.message, decide.state],
    ['cabinet', 'delete_note', 'destructive', 'local', 'Mind the notes', 'open'],
  )
  assert.deepEqual(decide.groups, [{ group: 'sre', quorum: 1 }])
  assert.equal(decide.command, `countersign approve ${body.approval}`)
  assert.ok(Date.parse(decide.expiresAt) > Date.now())
  const quiet = await until('the other is told', () =>
    receiver.received.find(
      ({ path, json }) => path === '/hook/quiet' && json.body.approval === body.approval,
    ),
  )
  assert.equal(quiet.json.body.decide.arguments, undefined)
  assert.doesNotMatch(quiet.text, /note-\d/)
})

it('EV-031: a yes of somebody who may is a yes, and the call goes out', async () => {
  const { approval, task } = await waiting()
  const said = await say(approval, { verdict: 'approve', by: 'U1', reason: 'fine' })
  assert.equal(said.status, 200, said.text)
  assert.deepEqual(JSON.parse(said.text), {
    approval,
    state: 'approved',
    by: GRACE,
    verdict: 'approve',
  })
  const { answers } = await at.house.admin.getApproval({ id: approval })
  assert.deepEqual(
    [answers[0]?.by, answers[0]?.means, answers[0]?.reason],
    [GRACE, 'webhook', 'fine'],
  )
  await until('it is sent', async () => (await stateOf(approval)) === 'used' || undefined)
  await until('it is done', async () => {
    const { state } = await at.house.admin.getTask({ id: task })
    return state === 'completed' || undefined
  })
})

it('EV-031: a no ends it, and needs its reason', async () => {
  const { approval } = await waiting()
  assert.equal((await say(approval, { verdict: 'deny', by: 'U1' })).status, 400)
  assert.equal(await stateOf(approval), 'open')
  assert.equal((await say(approval, { verdict: 'deny', by: 'U1', reason: 'No.' })).status, 200)
  assert.equal(await stateOf(approval), 'denied')
})

it('EV-032: what is not signed, or not now, or otherwise, is told nothing but that', async () => {
  const { approval } = await waiting()
  const yes = { verdict: 'approve', by: 'U1' }
  const minute = 60_000
  const answers = [
    await say(approval, yes, { secret: secretOf(7) }),
    await say(approval, yes, { at: new Date(Date.now() - 6 * minute) }),
    await say(approval, yes, { at: new Date(Date.now() + 6 * minute) }),
    await say(approval, yes, { headers: { 'webhook-signature': '' } }),
    await say(approval, yes, { headers: { 'webhook-id': 'another' } }),
    await say('ap_there-is-no-such', yes, { secret: secretOf(7) }),
    await say('ap_there-is-no-such', 'no json', { secret: secretOf(7) }),
  ]
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]))
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  assert.equal(await stateOf(approval), 'open')
})

it('EV-032: the same message again decides nothing again, nor does one for another call', async () => {
  const [first, second] = [await waiting(), await waiting()]
  const yes = { verdict: 'approve', by: 'U1' }
  assert.equal((await say(first.approval, yes, { id: 'once' })).status, 200)
  const again = await say(first.approval, yes, { id: 'once' })
  assert.deepEqual([again.status, faultIn(again)], [409, 'approval/over'])
  const elsewhere = await say(second.approval, yes, { id: 'once' })
  assert.equal(elsewhere.status, 409)
  assert.equal(await stateOf(second.approval), 'open')
})

it('EV-032: a message that we could not hear is heard when it is sent again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-decisions-'))
  const store = openStore(join(folder, 'x.db'), [RECORD_TABLES])
  let tries = 0
  const mount = decisionMount({
    world: systemWorld,
    records: storeRecords(systemWorld, store),
    ledger: { note: async () => undefined },
    approvals: {
      decide: async () => {
        tries++
        if (tries === 1) throw new Fault('ledger/unavailable', 'The disk is full.')
        throw new Fault('approval/over', 'It is over.')
      },
    },
    deciders: at.house.config.deciders,
    callerAt: () => undefined,
  })
  const server = createServer((asks, response) => void mount.answer(asks, response, () => {}))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const to = `http://127.0.0.1:${String(port)}`
    const again = (): Promise<Answer> =>
      say('ap_x', { verdict: 'approve', by: 'U1' }, { id: 'lost', to })
    assert.ok((await again()).status >= 500)
    assert.match((await again()).text, /It is over/)
    assert.match((await again()).text, /received before/)
    assert.equal(tries, 2)
  } finally {
    server.close()
    store.close()
    rmSync(folder, { recursive: true })
  }
})

it('EV-033: by whom it is said has to be one of those who may', async () => {
  const { approval } = await waiting()
  const says = async (by: string, saying?: Saying): Promise<string> => {
    const said = await say(approval, { verdict: 'approve', by }, saying)
    assert.equal(said.status, 403, said.text)
    return faultIn(said)
  }
  // Nobody we know; whoever asks; somebody of no group that is asked; a chat that speaks for another group.
  for (const by of ['U9', 'U2', 'U3', '__proto__', 'constructor']) {
    assert.equal(await says(by), 'approval/not-yours')
  }
  assert.equal(await says('grace', { secret: secretOf(8) }), 'approval/not-yours')
  assert.equal(await stateOf(approval), 'open')
})

it('EV-034: what is no decision is refused, and the house goes on', async () => {
  const { approval } = await waiting()
  const bodies = [
    '',
    'null',
    '[]',
    '{"verdict":"maybe","by":"U1"}',
    '{"verdict":"approve"}',
    JSON.stringify({ verdict: 'approve', by: 'U1' }),
    JSON.stringify({ approval: 'ap_another', verdict: 'approve', by: 'U1' }),
    JSON.stringify({ approval, verdict: 'approve' }),
    '['.repeat(10_000),
  ]
  for (const body of bodies)
    assert.equal((await say(approval, body)).status, 400, body.slice(0, 40))
  const long = { verdict: 'approve', by: 'U1', reason: 'x'.repeat(1_001) }
  assert.equal((await say(approval, long)).status, 400)
  assert.equal((await say(approval, 'x'.repeat(70_000))).status, 413)
  const unknown = await say('ap_there-is-no-such', { verdict: 'approve', by: 'U1' })
  assert.equal(unknown.status, 404)
  assert.equal(await stateOf(approval), 'open')
})

it('EV-034: who keeps trying is not read any more, and does not flood the ledger', async () => {
  const statuses = new Set<number>()
  for (let index = 0; index < 70; index++) {
    statuses.add((await say('ap_x', 'x', { secret: secretOf(7) })).status)
  }
  assert.ok(statuses.has(429))
  const noted = (await at.house.ledger.read({ after: 0 })).filter(
    ({ kind }) => kind === 'decision.refused',
  )
  assert.ok(noted.length > 0 && noted.length <= 10, String(noted.length))
  assert.doesNotMatch(JSON.stringify(noted), /whsec|v1,/)
})
