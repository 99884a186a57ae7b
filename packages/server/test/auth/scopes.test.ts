// How far a token reaches, what is said when it does not reach, and what is listed.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openTestHouse, overStdio } from '../stories/house.ts'
import { ask, begin, modern, type Answer, type Ask } from '../stories/raw.ts'
import { startIssuer, type FakeIssuer } from './fake-issuer.ts'
import {
  bearer,
  calling,
  isShort,
  listing,
  openGuarded,
  PEER,
  send,
  type GuardedHouse,
} from './guarded-house.ts'

let issuer: FakeIssuer
let classes: FakeIssuer
let closed: FakeIssuer
let house: GuardedHouse
before(async () => {
  issuer = await startIssuer()
  classes = await startIssuer()
  closed = await startIssuer()
  house = await openGuarded({
    servers: { peer: PEER, 'other-one': overStdio('oldPeer') },
    auth: {
      issuers: [
        { issuer: issuer.issuer },
        { issuer: classes.issuer, stepUp: 'class' },
        { issuer: closed.issuer, stepUp: 'off' },
      ],
    },
  })
})
after(async () => {
  await house[Symbol.asyncDispose]()
  for (const one of [issuer, classes, closed]) await one[Symbol.asyncDispose]()
})

const tokenFor = (scope: string, view = 'peer', by = issuer): Promise<string> =>
  by.mint({ claims: { aud: house.audience(view), scope } })

const callWith = async (scope: string, tool: string, view = 'peer'): Promise<Answer> =>
  send(house, calling(tool, bearer(await tokenFor(scope, view))), view)

describe('a call', () => {
  it('beyond its token is told exactly what it needs, and does nothing', async () => {
    // RS13, RS14, RS17
    const answer = await callWith('mcp:discover', 'write')
    isShort(answer, 'tool:peer.write')
    assert.equal(answer.json.id, 1)
    assert.match(String(answer.headers['content-type']), /application\/json/)
    const seen = await house.house.ledger.read({ after: 0 })
    assert.ok(!seen.some(({ kind, body }) => kind === 'call.opened' && body['name'] === 'write'))
    const noted = seen.find(({ kind }) => kind === 'scope.missing')
    assert.deepEqual(noted?.body['scopes'], ['tool:peer.write'])
    assert.equal(noted?.body['principal'], `${issuer.issuer}#ada`)
  })

  const reaches: readonly (readonly [string, string, boolean])[] = [
    ['peer:read', 'echo', true],
    ['peer:write', 'echo', true],
    ['peer:admin', 'echo', true],
    ['tool:peer.echo', 'echo', true],
    ['peer:read', 'seen', false],
    ['peer:write', 'seen', true],
    ['peer:write', 'write', true],
    ['tool:peer.seen', 'echo', false],
    ['tool:peer.ech', 'echo', false],
    ['other-one:admin', 'echo', false],
    ['mcp:discover', 'echo', false],
    ['peer:*', 'echo', false],
    ['PEER:READ', 'echo', false],
    ['tool:other-one.echo', 'echo', false],
  ]
  for (const [scope, tool, isReached] of reaches) {
    it(`of ${tool} with ${scope} is ${isReached ? 'made' : 'held back'}`, async () => {
      // RS15
      const answer = await callWith(scope, tool)
      if (isReached) assert.equal(answer.json.result.isError, undefined, answer.text)
      else assert.equal(answer.status, 403)
    })
  }

  it('is asked for as a class where the issuer knows no tools', async () => {
    const token = await tokenFor('mcp:discover', 'peer', classes)
    isShort(await send(house, calling('echo', bearer(token))), 'peer:read')
    isShort(await send(house, calling('seen', bearer(token))), 'peer:write')
  })

  it('in the view of all servers needs the scope of the server behind its name', async () => {
    isShort(await callWith('mcp:discover', 'other_one_echo', ''), 'tool:other-one.echo')
    const made = await callWith('tool:other-one.echo', 'other_one_echo', '')
    assert.equal(made.status, 200)
    isShort(await callWith('tool:other-one.echo', 'peer_echo', ''), 'tool:peer.echo')
  })

  it('of what is not there, or malformed, is never a matter of scopes', async () => {
    const answer = await callWith('mcp:discover', 'nothing')
    assert.equal(answer.json.error.code, -32602)
    const token = await tokenFor('mcp:discover')
    const body = modern('tools/call', {
      params: { name: 'echo', arguments: 7 },
      headers: bearer(token),
    })
    assert.equal((await send(house, body)).json.error.code, -32602)
  })

  it('of our own tools needs no scope but to be let in', async () => {
    const answer = await callWith('mcp:discover', 'countersign_pending')
    assert.match(answer.json.result.content[0].text, /No request of yours/)
  })

  it('whose headers name another tool is judged by its body', async () => {
    // RS21
    const token = await tokenFor('tool:peer.echo')
    const params = { name: 'write', arguments: {} }
    const asked = modern('tools/call', {
      params,
      headers: { ...bearer(token), 'mcp-name': 'echo' },
    })
    assert.equal((await send(house, asked)).json.error.code, -32020)
  })
})

describe('a token with no scope of ours', () => {
  it('is let in nowhere, and told where to begin', async () => {
    for (const scope of ['', 'openid profile', 'other-one:read', 'mcp:everything']) {
      const token = await tokenFor(scope)
      isShort(await send(house, listing(bearer(token))), 'mcp:discover')
      isShort(
        await send(house, modern('server/discover', { headers: bearer(token) })),
        'mcp:discover',
      )
    }
    isShort(await callWith('', 'echo'), 'tool:peer.echo')
  })
})

describe('resources and prompts', () => {
  it('are read with the scope to read', async () => {
    const asked: readonly Ask[] = await Promise.all(
      ['mcp:discover', 'peer:read'].flatMap(async (scope) =>
        modern('resources/read', {
          params: { uri: 'peer://doc' },
          headers: bearer(await tokenFor(scope)),
        }),
      ),
    )
    const [without, within] = await Promise.all(asked.map((one) => send(house, one)))
    assert.ok(without && within)
    isShort(without, 'peer:read')
    assert.equal(within.json.result.contents[0].text, 'the document')
  })

  it('that may not be read are not listened to either', async () => {
    const acknowledged = async (scope: string): Promise<unknown> => {
      const params = { notifications: { resourceSubscriptions: ['peer://doc'] } }
      const headers = bearer(await tokenFor(scope))
      const stream = await begin(
        house.at('peer'),
        modern('subscriptions/listen', { params, headers }),
      )
      const { data } = await stream.event(({ method }) => /acknowledged/.test(method))
      stream.drop()
      return data.params.notifications.resourceSubscriptions
    }
    assert.deepEqual(await acknowledged('mcp:discover'), [])
    assert.deepEqual(await acknowledged('peer:read'), ['peer://doc'])
  })
})

describe('a list', () => {
  const namesFor = async (scope: string, by: FakeIssuer): Promise<readonly string[]> => {
    const token = await tokenFor(scope, 'peer', by)
    const { json } = await send(house, listing(bearer(token)))
    const names: readonly string[] = json.result.tools.map(({ name }: { name: string }) => name)
    return names.filter((name) => !name.startsWith('countersign_'))
  }

  it('shows what can be had by asking, where asking is possible', async () => {
    // RS22
    const names = await namesFor('mcp:discover', issuer)
    for (const name of ['echo', 'seen', 'write']) assert.ok(names.includes(name))
  })

  it('shows only what a token reaches, where it is all there is', async () => {
    // RS22
    assert.deepEqual(await namesFor('mcp:discover', closed), [])
    assert.deepEqual(await namesFor('tool:peer.write', closed), ['write'])
    const readable = await namesFor('peer:read', closed)
    assert.ok(
      readable.includes('echo') && !readable.includes('write') && !readable.includes('seen'),
    )
    assert.ok((await namesFor('peer:write', closed)).includes('write'))
  })

  it('and a call are of one opinion', async () => {
    // RS4
    for (const scope of ['mcp:discover', 'peer:read', 'peer:write', 'tool:peer.seen peer:read']) {
      const token = await tokenFor(scope, 'peer', closed)
      const names = await namesFor(scope, closed)
      for (const tool of ['echo', 'seen', 'write']) {
        const { status } = await send(house, calling(tool, bearer(token)))
        assert.equal(status === 200, names.includes(tool), `${scope} ${tool}`)
      }
    }
  })

  it('of resources and prompts is filtered alike', async () => {
    const lists = [
      ['resources/list', 'resources'],
      ['resources/templates/list', 'resourceTemplates'],
      ['prompts/list', 'prompts'],
    ] as const
    for (const [method, key] of lists) {
      const sizes = await Promise.all(
        ['mcp:discover', 'peer:read'].map(async (scope) => {
          const headers = bearer(await tokenFor(scope, 'peer', closed))
          return (await send(house, modern(method, { headers }))).json.result[key].length
        }),
      )
      assert.equal(sizes[0], 0, method)
      assert.ok(Number(sizes[1]) > 0, method)
    }
  })
})

describe('in local mode', () => {
  it('nothing of this is asked for, or served', async () => {
    await using local = await openTestHouse({ servers: { peer: overStdio('newPeer') } })
    const answer = await ask(local.at('peer'), calling('write'))
    assert.equal(answer.json.result.isError, undefined)
    const metadata = new URL('/.well-known/oauth-protected-resource/mcp', local.at())
    assert.equal((await ask(metadata, { method: 'GET' })).status, 404)
  })
})
