// Every kind of client in front of every form of server: what one offers, the other gets (§11.2).

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connectV1, connectV2, textOf, type Loose, type Peer, type Place } from './clients.ts'
import {
  openTestHouse,
  OWN_TOOLS,
  overStdio,
  startHttp,
  uncaught,
  until,
  type TestHouse,
} from './house.ts'

type Connect = (place: Place) => Promise<Peer>
const CLIENTS: Readonly<Record<string, Connect>> = {
  'client v2, auto': (place) => connectV2(place, 'auto'),
  'client v2, pinned to 2026-07-28': (place) => connectV2(place, 'pinned'),
  'client v2, legacy': (place) => connectV2(place, 'legacy'),
  'sdk v1': connectV1,
}
const SERVERS = ['old-http', 'old-stdio', 'new-http', 'new-stdio'] as const

const opened: AsyncDisposable[] = []
let theHouse: TestHouse

before(async () => {
  const [old, modern] = await Promise.all([startHttp('oldPeer'), startHttp('newPeer')])
  opened.push(old, modern)
  theHouse = await openTestHouse({
    servers: {
      'old-http': { url: old.url },
      'old-stdio': overStdio('oldPeer'),
      'new-http': { url: modern.url },
      'new-stdio': overStdio('newPeer'),
    },
    // Clients without tasks are shown output schemas only where no call is answered with words.
    tasks: { after: 'never' },
  })
  opened.push(theHouse)
})
after(async () => {
  for (const one of opened.toReversed()) await one[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const namesOf = (list: readonly Loose[]): readonly string[] => list.map(({ name }) => String(name))
const seenBy = async (peer: Peer): Promise<readonly string[]> =>
  JSON.parse(textOf(await peer.call('seen')))

for (const [clientName, connect] of Object.entries(CLIENTS)) {
  for (const server of SERVERS) {
    describe(`${clientName}, in front of ${server}`, () => {
      let peer: Peer
      const isModernServer = server.startsWith('new')
      before(async () => {
        peer = await connect({ url: theHouse.at(server) })
      })
      after(() => peer.close())

      it('is served in the newest era it speaks, with the words of the server', () => {
        // H-001, V-001, V-020, BR-006: one old server drags nobody down.
        const isModern = /auto|pinned/.test(clientName)
        assert.equal(peer.era, isModern ? 'modern' : 'legacy')
        assert.equal(peer.instructions, isModernServer ? 'A new peer.' : 'An old peer.')
        // F-001, V-010, V-023
        // TL-002, TX-001, TX-032: each era's own tasks, and nothing of the other's.
        const wanted = ['completions', 'logging', 'prompts', 'resources', 'tools']
        wanted.push(isModern ? 'extensions' : 'tasks')
        assert.deepEqual(Object.keys(peer.capabilities).toSorted(), wanted.toSorted())
      })

      it('lists and calls tools under their own names', async () => {
        const tools = await peer.tools()
        const names = namesOf(tools)
        const theirs = names.slice(0, -OWN_TOOLS.length)
        assert.deepEqual(theirs, theirs.toSorted()) // F-003
        assert.deepEqual(names.slice(theirs.length), OWN_TOOLS) // None of these clients has tasks.
        assert.ok(names.includes('echo'))
        assert.deepEqual(JSON.parse(textOf(await peer.call('echo', { a: [1, null] }))), {
          a: [1, null],
        })
        assert.equal(textOf(await peer.call('write')), 'written')
      })

      it('gets structured content that fits the schema it was shown', async () => {
        // F-009, F-010, F-011: the official clients validate what they are given.
        const tools = await peer.tools()
        const schema = tools.find(({ name }) => name === 'structured')?.['outputSchema'] as Loose
        const { structuredContent } = await peer.call('structured')
        const words = ['one', 'two']
        if (!isModernServer) assert.deepEqual(structuredContent, { words })
        else if (peer.era === 'modern') assert.deepEqual(structuredContent, words)
        else assert.deepEqual(structuredContent, { result: words })
        if (peer.era === 'legacy') assert.equal(schema['type'], 'object')
      })

      it('reads resources, listed and templated', async () => {
        assert.deepEqual(await uris(peer.resources()), ['peer://doc'])
        const [template] = await peer.templates()
        assert.equal(template?.['uriTemplate'], 'peer://item/{id}')
        assert.equal((await peer.read('peer://doc'))[0]?.['text'], 'the document')
        const [item] = await peer.read('peer://item/7')
        assert.deepEqual([item?.['uri'], item?.['text']], ['peer://item/7', 'item 7'])
      })

      it('gets prompts and completions, context included', async () => {
        assert.deepEqual(namesOf(await peer.prompts()), ['hello'])
        const [message] = await peer.prompt('hello', { who: 'Ada' })
        assert.deepEqual(message?.['content'], { type: 'text', text: 'Hello, Ada!' })
        // F-036, F-037
        const ofPrompt = { type: 'ref/prompt', name: 'hello' }
        assert.deepEqual(await peer.complete(ofPrompt, 'A'), ['hello A'])
        assert.deepEqual(await peer.complete(ofPrompt, 'A', { x: 'given' }), ['hello A', 'given'])
        const ofTemplate = { type: 'ref/resource', uri: 'peer://item/{id}' }
        assert.deepEqual(await peer.complete(ofTemplate, '1'), ['peer://item/{id} 1'])
      })

      it('hears the progress of its call, strictly increasing', async () => {
        // P-001, P-002, P-003, P-004
        const steps: number[] = []
        const onprogress = ({ progress }: { readonly progress: number }): void => {
          steps.push(progress)
        }
        assert.equal(textOf(await peer.call('steps', {}, { onprogress })), 'three steps')
        assert.deepEqual(steps, [1, 2, 3])
      })

      it('answers a form, a sampling request and the question for its roots', async () => {
        // I-040, I-042, I-048, I-051, BR-021, BR-033
        const said = await peer.call('ask_form')
        assert.deepEqual(JSON.parse(textOf(said)), { action: 'accept', content: { name: 'Ada' } })
        const asked = peer.asked.at(-1)
        assert.equal(asked?.['message'], 'Who is there?')
        assert.match(textOf(await peer.call('sample')), /Paris/)
        assert.match(textOf(await peer.call('roots')), /file:\/\/\/home\/ada/)
      })

      it('is sent to a page, and its answer is the consent', async () => {
        // I-044, I-045, I-047
        assert.equal(textOf(await peer.call('ask_url')), 'accept')
        const { url, mode, elicitationId } = peer.asked.at(-1) ?? {}
        assert.deepEqual([mode, url], ['url', 'https://peer.example/confirm'])
        if (peer.era === 'modern') assert.equal(elicitationId, undefined)
        else {
          assert.ok(typeof elicitationId === 'string')
          assert.notEqual(elicitationId, 'page-1') // BR-001: an id of this hop.
          if (!isModernServer) {
            await until('the end of the page is told', () =>
              peer.heard.includes(`complete ${elicitationId}`),
            )
          }
        }
      })

      it('takes its cancellation to the server', async () => {
        // H-050, P-010, P-011, S-007, BR-024
        const earlier = count(await seenBy(peer), 'cancelled')
        const abort = new AbortController()
        const waiting = peer.call(
          'wait',
          {},
          {
            signal: abort.signal,
            // The server has it once it reports: then there is something to cancel.
            onprogress: () => abort.abort(),
          },
        )
        await assert.rejects(waiting)
        await until(
          'the server sees the cancellation',
          async () => count(await seenBy(peer), 'cancelled') === earlier + 1,
        )
      })

      it('hears of changed lists and of the resource it follows', async () => {
        // F-032, L-001, L-002, L-003, L-008, H-072
        await peer.follow('peer://doc')
        const hears = async (tool: string, what: string): Promise<void> => {
          // A change that comes earlier the server's ear is open is nobody's news: it is repeated.
          await until(what, async () => {
            await peer.call(tool, { uri: 'peer://doc' })
            return peer.heard.includes(what)
          })
        }
        await hears('touch', 'updated peer://doc')
        await hears('change_prompts', 'notifications/prompts/list_changed')
        await hears('change_resources', 'notifications/resources/list_changed')
        const earlier = (await peer.tools()).length
        await hears('grow', 'notifications/tools/list_changed')
        await until('the new tool is listed', async () => (await peer.tools()).length > earlier)
      })
    })
  }
}

const uris = async (list: Promise<readonly Loose[]>): Promise<readonly unknown[]> =>
  (await list).map(({ uri }) => uri)

const count = (list: readonly string[], wanted: string): number =>
  list.filter((one) => one === wanted).length
