// Policies in front of real servers, as clients of both eras meet them.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connectV1, connectV2, textOf, type Peer } from '../stories/clients.ts'
import { OWN_TOOLS, uncaught, until } from '../stories/house.ts'
import { ask, begin, modern } from '../stories/raw.ts'
import { openPolicyHouse, type PolicyHouse } from './policy-house.ts'

const POLICIES = `
@id("everything") permit(principal, action, resource);

@id("no-wipe") @message("Wiping is done by hand")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/wipe");

@id("delete-asks") @ask("sre") @message("Deleting needs a second pair of eyes")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/delete_note");

@id("within-notes") @message("Only notes below /notes")
forbid(principal, action == Action::"call", resource == Tool::"cabinet/write_note")
unless { context.arguments.text.hasTag("path") && context.arguments.text.getTag("path") like "/notes/*" };

@id("private") forbid(principal, action, resource == Resource::"cabinet/note://private");
@id("farewell") forbid(principal, action, resource == Prompt::"cabinet/farewell");
@id("no-peer-echo") forbid(principal, action, resource == Tool::"peer/echo");
`

let theHouse: PolicyHouse
const peers: Peer[] = []
before(async () => {
  theHouse = await openPolicyHouse({ policies: { 'a.cedar': POLICIES } })
})
after(async () => {
  for (const peer of peers) await peer.close()
  await theHouse[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const names = (list: readonly Readonly<Record<string, unknown>>[]): readonly unknown[] =>
  list.map(({ name }) => name).filter((name) => !OWN_TOOLS.includes(String(name)))

const ERAS = {
  modern: (url: URL) => connectV2({ url }, 'pinned'),
  legacy: (url: URL) => connectV1({ url }),
} as const

for (const [era, connect] of Object.entries(ERAS)) {
  describe(`a ${era} client`, () => {
    let peer: Peer
    before(async () => {
      peer = await connect(theHouse.at())
      peers.push(peer)
    })

    it('reads, and the entry names the policy and its version', async () => {
      const said = await peer.call('read_note', { path: '/notes/a' })
      assert.equal(textOf(said), 'read_note done')
      const opened = (await theHouse.entries('call.opened')).at(-1)
      const version = (await theHouse.entries('policy.changed')).at(0)?.body
      assert.deepEqual(opened?.body['decision'], {
        kind: 'allow',
        policies: ['everything'],
        version: { number: 1, digest: version?.['digest'] },
      })
    })

    // PO-006, PO-007, PO-008
    it('is refused a wipe in words, and nothing happens', async () => {
      const said = await peer.call('wipe')
      assert.equal(said.isError, true)
      assert.equal(
        textOf(said).trim(),
        'Nothing was executed. The policy "no-wipe" does not allow it: Wiping is done by hand. The same call will be refused again. Tell the user that it is not allowed, and go on without it.',
      )
      assert.ok(!theHouse.effects().includes('wipe'))
      const [opened, closed] = (await theHouse.entries()).slice(-2)
      assert.match(JSON.stringify(opened?.body['decision']), /"policies":\["no-wipe"\]/)
      assert.equal(closed?.body['outcome'], 'refused')
    })

    // PO-004
    it('is told who has to approve a deletion, which waits for that', async () => {
      const said = await peer.call('delete_note', { path: `/notes/${era}` })
      assert.notEqual(said.isError, true)
      assert.match(textOf(said), /^Waiting for approval\. Nothing has been executed yet\./)
      assert.match(textOf(said), /approval of someone of "sre".* Why: Deleting needs a second pair/)
      assert.ok(!theHouse.effects().includes('delete_note'))
      const opened = (await theHouse.entries('call.opened')).at(-1)
      assert.match(JSON.stringify(opened?.body['decision']), /"kind":"ask"/)
    })

    it('may write within its bounds and not beyond', async () => {
      assert.equal(textOf(await peer.call('write_note', { path: '/notes/b' })), 'write_note done')
      const beyond = await peer.call('write_note', { path: '/etc/passwd' })
      assert.match(textOf(beyond), /"within-notes" does not allow it: Only notes below \/notes\./)
    })

    // PO-009
    it('is shown what it may call or ask for, and nothing else', async () => {
      assert.deepEqual(names(await peer.tools()), ['delete_note', 'read_note', 'write_note'])
      assert.deepEqual(names(await peer.resources()), ['public'])
      assert.deepEqual(names(await peer.prompts()), ['greeting'])
    })

    // PO-007
    it('gets the same words as a protocol error for resources and prompts', async () => {
      const refusal = (id: string) => (thrown: unknown) => {
        const { code, message } = thrown as { code: number; message: string }
        assert.equal(code, 10_403)
        assert.match(
          message,
          new RegExp(`Nothing was executed\\. The policy "${id}" does not allow`),
        )
        return true
      }
      await assert.rejects(peer.read('note://private'), refusal('private'))
      await assert.rejects(peer.prompt('farewell', {}), refusal('farewell'))
      assert.equal((await peer.read('note://public')).length, 1)
    })

    it('is judged alike in front of a server of the other era', async () => {
      const other = await connect(theHouse.at('peer'))
      peers.push(other)
      assert.match(textOf(await other.call('echo', { a: 1 })), /"no-peer-echo" does not allow it/)
      assert.ok(!names(await other.tools()).includes('echo'))
      assert.ok(names(await other.tools()).length > 0)
    })
  })
}

describe('a resource that may not be read', () => {
  it('may not be watched either', async () => {
    const legacy = peers.find(({ era }) => era === 'legacy')
    await legacy?.follow('note://public')
    await assert.rejects(async () => legacy?.follow('note://private'), /Resource not found/)
    const wanted = { resourceSubscriptions: ['note://public', 'note://private'] }
    const params = { notifications: wanted }
    const stream = await begin(theHouse.at(), modern('subscriptions/listen', { params }))
    const { data } = await stream.event(({ method }) => String(method).endsWith('acknowledged'))
    assert.deepEqual(data.params.notifications.resourceSubscriptions, ['note://public'])
    stream.drop()
  })
})

describe('a change of the policies', () => {
  // PO-012
  it('that is wrong leaves those before in force, and is told in the log and the ledger', async () => {
    theHouse.write('b.cedar', '@id("broken") forbid(principal, action resource);')
    const noted = await until(
      'the rejection',
      async () => (await theHouse.entries('policy.rejected'))[0],
    )
    assert.deepEqual(noted.body['inForce'], 1)
    assert.match(JSON.stringify(noted.body['told']), /b\.cedar:1:40/)
    assert.ok(
      theHouse.log.some(
        ({ level, facts }) => level === 'error' && /b\.cedar:1:40/.test(String(facts['problem'])),
      ),
    )
    const said = await ask(theHouse.at(), modern('tools/call', { params: { name: 'wipe' } }))
    assert.match(said.json.result.content[0].text, /"no-wipe"/)
  })

  // PO-013
  it('that is right is in force, counted, and told to whoever listens', async () => {
    const listening = peers.find(({ era }) => era === 'legacy')
    theHouse.write(
      'b.cedar',
      '@id("no-read") forbid(principal, action, resource == Tool::"cabinet/read_note");',
    )
    const noted = await until(
      'the change',
      async () => (await theHouse.entries('policy.changed'))[1],
    )
    const { digest, before: earlier, ...rest } = noted.body
    assert.match(String(digest), /^sha256:/)
    assert.equal((earlier as { version: number }).version, 1)
    assert.deepEqual(rest, {
      version: 2,
      policies: 8,
      added: ['no-read'],
      removed: [],
      changed: [],
      author: 'unknown',
      source: 'folder',
    })
    await until('the notice', () => listening?.heard.includes('notifications/tools/list_changed'))
    const said = await ask(theHouse.at(), modern('tools/call', { params: { name: 'read_note' } }))
    assert.match(said.json.result.content[0].text, /"no-read" does not allow it/)
    const list = await ask(theHouse.at(), modern('tools/list'))
    assert.ok(!JSON.stringify(list.json).includes('read_note'))
  })

  // PO-005
  it('that cannot be evaluated denies what it is asked, and says why in the log alone', async () => {
    theHouse.write(
      'b.cedar',
      '@id("sum") forbid(principal, action, resource) when { context.arguments.number.hasTag("n") && context.arguments.number.getTag("n") * 9007199254740991 > 3 };',
    )
    const call = async (n: number): Promise<string> => {
      const params = { name: 'read_note', arguments: { n } }
      const said = await ask(theHouse.at(), modern('tools/call', { params }))
      return said.json.result.content[0].text
    }
    // It is written down first, and in force then.
    await until('the change', async () => /read_note done/.test(await call(0)))
    const refused = await call(9_007_199_254_740_991)
    assert.match(
      refused,
      /^Nothing was executed\. The policy "sum" could not be evaluated for it\./,
    )
    assert.doesNotMatch(refused, /overflow/)
    assert.ok(theHouse.log.some(({ facts }) => /overflow/.test(String(facts['trouble']))))
  })
})

describe('a house', () => {
  it('does not start with policies that are wrong, and says where', async () => {
    const wrong = { 'a.cedar': '@id("a") permit(principal, action, resource' }
    await assert.rejects(openPolicyHouse({ policies: wrong }), {
      code: 'config/invalid',
      message: /1 mistake in the policies of .*\na\.cedar:1:44/s,
    })
  })

  it('without a policy in its folder permits nothing', async () => {
    await using empty = await openPolicyHouse({ policies: {} })
    const said = await ask(empty.at(), modern('tools/call', { params: { name: 'read_note' } }))
    assert.match(said.json.result.content[0].text, /^Nothing was executed\. No policy permits it\./)
    assert.deepEqual(empty.effects(), [])
  })
})
