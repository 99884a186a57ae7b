// EV-017: of several nodes one tells each webhook, in order, and another goes on when it is gone.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RECORD_TABLES, openStore, storeRecords } from '#store'
import { systemWorld } from '#base'
import { recordLease } from '../../src/feeds/lease.ts'
import { found, testServer } from '../postgres/database.ts'
import { makeNodes, type Node } from '../postgres/nodes.ts'
import { until as seen } from '../stories/house.ts'
import { listen, secretOf } from './feed-house.ts'
import { startReceiver } from './receiver.ts'

it('EV-017: whoever is gone without a word is followed by another, once its time is over', async () => {
  const store = openStore(':memory:', [RECORD_TABLES])
  const world = {
    ...systemWorld,
    wait: async (_ms: number, signal?: AbortSignal) => systemWorld.wait(1, signal),
  }
  const records = storeRecords(world, store)
  const lease = () => recordLease({ world, records }, 'webhook chat')
  const ends = new AbortController()
  const done: (string | undefined)[] = []
  const hold = (name: string, signal = ends.signal): Promise<void> =>
    lease().during(signal, async (held) => {
      done.push(name)
      await new Promise<void>((resolve) => {
        held.addEventListener('abort', () => resolve(), { once: true })
      })
      done.push(`${name} ends`)
    })
  // A node that was killed: what it wrote down is all that is left of it.
  const until = world.now() + 400
  await records.add('FeedLease', 'webhook chat', { owner: 'gone' }, { until })
  const second = new AbortController()
  const taking = hold('second', second.signal)
  const waiting = hold('third')
  const first = await seen('one of them goes on', () => done[0])
  assert.ok(world.now() >= until)
  await systemWorld.wait(20)
  assert.deepEqual(done, [first])
  // Its place is taken from it: it stops by itself.
  await records.put('FeedLease', 'webhook chat', { owner: 'other' })
  await seen('it stops', () => done.includes(`${first} ends`) || undefined)
  ends.abort()
  second.abort()
  await Promise.all([taking, waiting])
  store.close()
})

if ('why' in found) {
  it('Postgres: two houses were not tried', { skip: found.why }, () => undefined)
} else {
  const server = testServer(found.bin)
  describe('two nodes on one database', () => {
    it('EV-017: tell a webhook each event once, in order, also when one of them stops', async () => {
      const secret = secretOf(1)
      await using receiver = await startReceiver(secret)
      const hook = {
        name: 'chat',
        url: receiver.url,
        secret,
        allowPrivate: true,
        kinds: ['decision.*'],
      }
      const events = { webhooks: [{ ...hook, from: 'start' }] }
      await using nodes = makeNodes(await server.database(), { events })
      const note = async (node: Node, count: number): Promise<void> => {
        for (let index = 0; index < count; index++) {
          await node.house.ledger.note('decision.refused', { reason: 'x' })
        }
      }
      const told = (count: number) =>
        seen('all are told', () => receiver.received.length >= count || undefined)
      const one = await nodes.open('one')
      const two = await nodes.open('two')
      await Promise.all([note(one, 15), note(two, 15)])
      await told(30)
      // What one wrote is on the stream of the other.
      const [last] = (await one.house.ledger.read({ last: 1 })).map(({ seq }) => seq)
      using reader = await listen(
        new URL(`/admin/events?after=${String(Number(last) - 1)}`, two.at()).href,
        {
          authorization: `Bearer ${two.house.adminToken.reveal()}`,
        },
      )
      assert.equal(Number((await reader.take(1))[0]?.id), last)
      await one.stop()
      await note(two, 10)
      await told(40)
      const places = receiver.received.map(({ json }) => Number(json.seq))
      assert.deepEqual(
        places,
        [...new Set(places)].toSorted((a, b) => a - b),
      )
      assert.equal(places.length, 40)
    })
  })
}
