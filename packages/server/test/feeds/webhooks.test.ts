// Webhooks: who is told, in which order, what happens when they do not listen, and where we never go.

import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { it } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { systemWorld, type World } from '#base'
import { until } from '../stories/house.ts'
import { openFeedHouse, secretOf, type FeedHouse } from './feed-house.ts'
import { startReceiver, type Receiver } from './receiver.ts'

const SECRET = secretOf(1)

/** A world in which a day passes in a moment, for whoever waits. */
function hurried(): World {
  let ahead = 0
  return {
    ...systemWorld,
    now: () => systemWorld.now() + ahead,
    wait: async (ms, signal) => {
      ahead += ms * 60
      await systemWorld.wait(1, signal)
    },
  }
}

const hook = (receiver: Receiver, more: object = {}): object => ({
  name: 'chat',
  url: receiver.url,
  secret: SECRET,
  allowPrivate: true,
  kinds: ['decision.*'],
  ...more,
})

async function note(at: FeedHouse, ...reasons: readonly string[]): Promise<void> {
  for (const reason of reasons) await at.house.ledger.note('decision.refused', { reason })
}

const reasons = ({ received }: Receiver): readonly string[] =>
  received.map(({ json }) => String(json.body.reason))

const kindsSince = async ({ house }: FeedHouse, kind: string) =>
  (await house.ledger.read({ after: 0 })).filter((one) => one.kind === kind)

it('EV-010: each event arrives, signed, in order, under an id that stays', async () => {
  await using receiver = await startReceiver(SECRET)
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver)] } })
  await note(at, 'a', 'b', 'c')
  await until('all are told', () => receiver.received.length === 3 || undefined)
  assert.deepEqual(reasons(receiver), ['a', 'b', 'c'])
  const [first] = receiver.received
  assert.equal(
    first?.id,
    `evt_${(await at.house.admin.getLedgerKey({})).origin}_${String(first?.json.seq)}`,
  )
  assert.equal(first?.headers['content-type'], 'application/json')
  assert.equal(receiver.unsigned.length, 0)
  const [line] = await at.house.admin.listWebhooks({})
  assert.deepEqual([line?.name, line?.attempts, line?.dead, line?.off], ['chat', 0, 0, undefined])
})

it('EV-010: while secrets change over, both are signed with; formats are said by their type', async () => {
  await using receiver = await startReceiver(secretOf(2))
  const more = { secret: [secretOf(3), secretOf(2)], format: 'cloudevents' }
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver, more)] } })
  await note(at, 'x')
  const one = await until('it is told', () => receiver.received[0])
  assert.equal(String(one.headers['webhook-signature']).split(' ').length, 2)
  assert.equal(one.headers['content-type'], 'application/cloudevents+json')
  assert.equal(one.json.type, 'dev.countersign.decision.refused.v1')
  new Webhook(secretOf(3)).verify(one.text, one.headers as Record<string, string>)
})

it('EV-011: what is not taken is tried again, and what comes after it waits', async () => {
  await using receiver = await startReceiver(SECRET, false)
  let left = 3
  receiver.answer = (_one, response) => void response.writeHead(left-- > 0 ? 503 : 200).end('ok')
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver)] }, world: hurried() })
  await note(at, 'a', 'b')
  await until('both are taken', () => receiver.received.length === 5 || undefined)
  assert.deepEqual(reasons(receiver), ['a', 'a', 'a', 'a', 'b'])
  assert.equal(new Set(receiver.received.slice(0, 4).map(({ id }) => id)).size, 1)
})

it('EV-012: what is not taken for a day is put aside, told, and can be sent again or dropped', async () => {
  await using receiver = await startReceiver(SECRET, false)
  receiver.answer = ({ json }, response) =>
    void response
      .writeHead(json.body.reason === 'good' ? 200 : json.body.reason === 'odd' ? 422 : 500)
      .end()
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver)] }, world: hurried() })
  const { admin } = at.house
  await note(at, 'bad', 'odd', 'good')
  await until('the good one comes through', () => reasons(receiver).includes('good') || undefined)
  const of = (reason: string): number => reasons(receiver).filter((one) => one === reason).length
  assert.deepEqual([of('bad'), of('odd'), of('good')], [12, 5, 1])
  const dead = await admin.listDeadLetters({ name: 'chat' })
  assert.deepEqual(
    dead.map(({ kind, attempts, problem }) => [kind, attempts, problem]),
    [
      ['decision.refused', 12, 'HTTP 500'],
      ['decision.refused', 5, 'HTTP 422'],
    ],
  )
  assert.deepEqual(
    (await kindsSince(at, 'webhook.dead')).map(({ body }) => body['event']),
    dead.map(({ event }) => event),
  )
  const [bad, odd] = dead
  assert.deepEqual(await admin.retryWebhook({ name: 'chat', event: Number(bad?.event) }), {
    isTaken: false,
    problem: 'HTTP 500',
  })
  receiver.answer = (_one, response) => void response.writeHead(200).end()
  assert.deepEqual(await admin.retryWebhook({ name: 'chat', event: Number(bad?.event) }), {
    isTaken: true,
  })
  assert.deepEqual(await admin.dropDeadLetters({ name: 'chat', event: Number(odd?.event) }), {
    dropped: 1,
  })
  assert.deepEqual(await admin.listDeadLetters({ name: 'chat' }), [])
  await assert.rejects(admin.dropDeadLetters({ name: 'chat', event: 1 }), {
    code: 'webhook/unknown',
  })
  await assert.rejects(admin.retryWebhook({ name: 'nobody' }), { code: 'webhook/unknown' })
})

it('EV-012: that one was put aside is told as well, and is the end of it when that is not taken', async () => {
  await using receiver = await startReceiver(SECRET, false)
  receiver.answer = (_one, response) => void response.writeHead(422).end()
  const more = { kinds: ['decision.*', 'webhook.*'] }
  const world = hurried()
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver, more)] }, world })
  const { admin } = at.house
  await note(at, 'odd')
  const [odd, dead] = await until('both are put aside', async () => {
    const letters = await admin.listDeadLetters({ name: 'chat' })
    return letters.length === 2 ? letters : undefined
  })
  assert.deepEqual([odd?.kind, dead?.kind], ['decision.refused', 'webhook.dead'])
  await note(at, 'odder')
  await until('and the next one is', async () =>
    (await kindsSince(at, 'webhook.dead')).at(-1)?.body['event'] === Number(dead?.event) + 1
      ? true
      : undefined,
  )
  const put = (await kindsSince(at, 'webhook.dead')).map(({ body }) => body['kind'])
  assert.deepEqual(put, ['decision.refused', 'decision.refused'])
})

it('EV-011: a receiver says when, as a date too; a clock that was wrong is not waited for', async () => {
  await using receiver = await startReceiver(SECRET, false)
  let ahead = 0
  const world = { ...hurried(), now: () => systemWorld.now() + ahead }
  receiver.answer = (_one, response) => {
    const later = new Date(world.now() + 1_800_000).toUTCString()
    response.writeHead(503, { 'retry-after': later }).end()
  }
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver)] }, world })
  await note(at, 'a')
  const line = await until('it waits', async () => {
    const [one] = await at.house.admin.listWebhooks({})
    return one?.nextAt === undefined ? undefined : one
  })
  const waitMs = Number(line.nextAt) - world.now()
  assert.ok(waitMs > 1_500_000 && waitMs <= 1_800_000, String(waitMs))
  receiver.answer = (_one, response) => void response.writeHead(204).end()
  // It was years ahead when it set the time.
  ahead = -100_000_000_000
  await until('it is told', () => receiver.received.length === 2 || undefined)
})

it('EV-013: 410 turns it off; on again it goes on where it was', async () => {
  await using receiver = await startReceiver(SECRET)
  receiver.answer = (_one, response) => void response.writeHead(410).end()
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver)] } })
  const { admin } = at.house
  await note(at, 'a', 'b')
  await until('it is off', async () => (await admin.listWebhooks({}))[0]?.off)
  assert.deepEqual(reasons(receiver), ['a'])
  const [off] = await kindsSince(at, 'webhook.disabled')
  assert.equal(off?.body['webhook'], 'chat')
  receiver.answer = (_one, response) => void response.writeHead(204).end()
  await admin.retryWebhook({ name: 'chat' })
  await until('both are told', () => receiver.received.length === 3 || undefined)
  assert.deepEqual(reasons(receiver), ['a', 'a', 'b'])
  assert.equal((await kindsSince(at, 'webhook.enabled')).length, 1)
})

it('EV-014: no redirect is followed, no endless answer is read, and none is waited for', async () => {
  await using receiver = await startReceiver(SECRET)
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver)] } })
  const { admin } = at.house
  const told = async (answer: Receiver['answer']): Promise<string | undefined> => {
    receiver.answer = answer
    return (await admin.testWebhook({ name: 'chat' })).problem
  }
  const redirect = await told((_one, response) => {
    response.writeHead(307, { location: receiver.url.replace('hook', 'elsewhere') }).end()
  })
  assert.equal(redirect, 'HTTP 307')
  const huge = await told((_one, response) => {
    response.writeHead(200)
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.on('drain', more)
    more()
  })
  assert.match(String(huge), /too much/)
  const hang = await told(() => undefined)
  assert.match(String(hang), /does not answer|aborted/i)
  // Addresses of webhooks often are secrets: words about them do not have them.
  assert.doesNotMatch(`${String(huge)}${String(hang)}`, /hook/)
  assert.ok(receiver.received.every(({ path }) => path === '/hook'))
})

it('EV-014: an address that is not public is never reached, whatever its name says', async () => {
  await using receiver = await startReceiver(SECRET)
  const { port } = new URL(receiver.url)
  const webhooks = [
    // The name of this machine leads to it, and does not say so.
    { ...hook(receiver), url: `https://${hostname()}:${port}/`, allowPrivate: false },
    { ...hook(receiver), name: 'meta', url: 'https://169.254.169.254/', allowPrivate: true },
  ]
  await using at = await openFeedHouse({ events: { webhooks } })
  for (const name of ['chat', 'meta']) {
    const { isTaken, problem } = await at.house.admin.testWebhook({ name })
    assert.equal(isTaken, false, problem)
  }
  assert.equal(receiver.received.length, 0)
})

it('EV-015: what is told outside never slows what happens inside', async () => {
  await using receiver = await startReceiver(SECRET)
  let isOpen = false
  const held: (() => void)[] = []
  receiver.answer = (_one, response) => {
    const end = (): void => void response.writeHead(204).end()
    if (isOpen) end()
    else held.push(end)
  }
  await using at = await openFeedHouse({ events: { webhooks: [hook(receiver)] } })
  await Promise.all(Array.from({ length: 800 }, (_, index) => note(at, String(index))))
  assert.match(await at.call('read_note'), /read_note done/)
  isOpen = true
  for (const end of held) end()
  await until('all are told', () => receiver.received.length >= 800 || undefined)
  const places = receiver.received.map(({ json }) => Number(json.seq))
  assert.deepEqual(
    [...new Set(places)].toSorted((a, b) => a - b),
    places,
  )
})
