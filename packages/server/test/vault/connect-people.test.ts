// Several people behind one gateway: whose token goes where, and who may connect what.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startIssuer, type FakeIssuer } from '../auth/fake-issuer.ts'
import { bearer } from '../auth/guarded-house.ts'
import { uncaught } from '../stories/house.ts'
import { ask, begin, envelope, legacy, modern, rpc, type Wire } from '../stories/raw.ts'
import { serveLegacy } from '../upstream/peers/legacy-http.ts'
import {
  agree,
  comeBack,
  goOn,
  openConnectHouse,
  personal,
  type ConnectHouse,
} from './connect-house.ts'
import { protect, type ProtectedPeer } from './connect-peer.ts'

let issuer: FakeIssuer
let peer: ProtectedPeer
let home: ConnectHouse
before(async () => {
  issuer = await startIssuer()
  peer = await protect(await serveLegacy())
  home = await openConnectHouse({
    issuer,
    servers: { cloud: personal(peer.url), other: personal(peer.url) },
  })
})
after(async () => {
  await home[Symbol.asyncDispose]()
  await peer[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
  assert.deepEqual(uncaught, [])
})

const tokenOf = (sub: string, view = 'cloud'): Promise<string> =>
  issuer.mint({
    claims: { sub, aud: home.at(view).href, scope: `mcp:discover ${view}:admin` },
  })

const add = { name: 'add', arguments: { a: 1, b: 2 } }
const callAs = async (sub: string, view = 'cloud', tool: Wire = add) =>
  (
    await ask(
      home.at(view),
      modern('tools/call', { params: tool, headers: bearer(await tokenOf(sub, view)) }),
    )
  ).json

/** The page on which somebody has to connect a server first. */
async function pageFor(sub: string, view = 'cloud'): Promise<string> {
  const { result } = await callAs(sub, view)
  const url = /http\S+$/.exec(result.content[0].text.trim())?.[0]
  assert.ok(url, JSON.stringify(result))
  return url
}

/** What reached the server during `work`. */
async function seenDuring(work: () => Promise<unknown>) {
  const from = peer.visits.length
  await work()
  return peer.visits.slice(from)
}

describe('two people who use one server', () => {
  it('show a token each, on a session each, and never the one they came to us with', async () => {
    // OC15, OC16, RS8, AT7
    const tokens = new Map<string, ReadonlySet<string>>()
    for (const sub of ['ada', 'bob']) {
      await agree(home.browserOf(sub), peer.authority, await pageFor(sub))
    }
    for (const sub of ['ada', 'bob', 'ada', 'bob']) {
      const visits = await seenDuring(async () => {
        const { result } = await callAs(sub)
        assert.equal(result.content[0].text, '3')
      })
      // What else is going on shows in one of the two, the token of the call in both.
      const shown = new Set(visits.flatMap((visit) => visit.shown ?? []))
      tokens.set(sub, tokens.get(sub)?.intersection(shown) ?? shown)
    }
    const [[hers, ...more], [his, ...others]] = [
      [...(tokens.get('ada') ?? [])],
      [...(tokens.get('bob') ?? [])],
    ]
    assert.deepEqual([more, others], [[], []])
    assert.notEqual(hers, his)
    // Neither is what the clients showed to us.
    for (const token of [hers, his]) assert.match(token ?? '', /^Bearer at-/)
    const inSessions = peer.visits.filter(({ session }) => session !== undefined)
    const sessions = Map.groupBy(inSessions, ({ session }) => session)
    assert.ok(sessions.size >= 2)
    for (const visits of sessions.values()) {
      assert.equal(new Set(visits.map(({ shown }) => shown)).size, 1)
    }
  })

  it('connect each server apart: what is good for one is not shown to another', async () => {
    // OC5, OC15
    const { result } = await callAs('ada', 'other')
    assert.equal(result.isError, true)
    assert.match(result.content[0].text, /^Nothing was executed.*other/)
  })

  it('at the same moment still show a token each', async () => {
    const visits = await seenDuring(async () => {
      const all = ['ada', 'bob', 'ada', 'bob', 'ada', 'bob'].map((sub) => callAs(sub))
      for (const { result } of await Promise.all(all)) assert.equal(result.content[0].text, '3')
    })
    const bySession = Map.groupBy(visits, ({ session }) => session)
    for (const [session, ones] of bySession) {
      const tokens = new Set(ones.map(({ shown }) => shown))
      if (session !== undefined) assert.equal(tokens.size, 1)
    }
  })

  it('are told apart in the ledger, which names what was shown and holds no token', async () => {
    const closed = (await home.house.ledger.read({ last: 200 })).filter(
      ({ kind, body }) => kind === 'call.closed' && body['credential'] !== undefined,
    )
    const names = new Set(closed.map(({ body }) => JSON.stringify(body['credential'])))
    assert.equal(names.size, 2, [...names].join('\n'))
    const everything = JSON.stringify(await home.house.ledger.read({ last: 1_000 }))
    for (const token of peer.access.keys()) assert.ok(!everything.includes(token))
    assert.ok(!/at-[0-9a-f]{8}-|rt-[0-9a-f]{8}-/.test(everything))
  })
})

describe('the page on which a server is connected', () => {
  it('is shown to nobody but who asked for it, and says nothing to others', async () => {
    // OC20, OC21
    const url = await pageFor('cleo')
    const stranger = await home.browserOf('bob').open(url)
    assert.equal(stranger.status, 403)
    assert.match(stranger.text, /Somebody else asked for this/)
    assert.doesNotMatch(stranger.html.replace(/<style>.*?<\/style>/s, ''), /cloud|cleo/)
    // Not even with a form that was made for somebody else.
    const asked = await home.browserOf('cleo').open(url)
    const field = /name="form" value="([^"]+)"/.exec(asked.html)?.[1] ?? ''
    const sent = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: home.origin, cookie: 'somebody=bob' },
      body: new URLSearchParams({ form: field }),
    })
    assert.equal(sent.status, 403)
    assert.ok(!(await sent.text()).includes('/as/authorize'))
  })

  it('sends whoever is not signed in to sign in first, and back to it', async () => {
    const url = await pageFor('cleo')
    const answer = await fetch(url, { redirect: 'manual' })
    assert.equal(answer.status, 303)
    const then = new URL(answer.headers.get('location') ?? '', url).searchParams.get('then')
    assert.equal(then, new URL(url).pathname)
  })

  it('takes no form from another site, or from nowhere', async () => {
    // AS23
    const url = await pageFor('cleo')
    const browser = home.browserOf('cleo')
    const asked = await browser.open(url)
    const field = /name="form" value="([^"]+)"/.exec(asked.html)?.[1] ?? ''
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const post = (headers: Record<string, string>, form: string) =>
      fetch(url, { method: 'POST', headers, body: new URLSearchParams({ form }) })
    const foreign = await post({ cookie, origin: 'https://evil.example' }, field)
    assert.equal(foreign.status, 403)
    const without = await post({ cookie: 'somebody=cleo', origin: home.origin }, field)
    assert.equal(without.status, 400)
    const forged = await post({ cookie, origin: home.origin }, `${field}x`)
    assert.equal(forged.status, 400)
  })

  it('may be framed by nobody, is kept by nobody, and escapes what it shows', async () => {
    // AS23
    const { headers } = await fetch(await pageFor('cleo'), { headers: { cookie: 'somebody=cleo' } })
    assert.match(headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
    assert.deepEqual(
      [headers.get('x-frame-options'), headers.get('cache-control')],
      ['DENY', 'no-store'],
    )
  })

  it('is over once it was used, and one that never was is no different', async () => {
    const url = await pageFor('dora')
    const browser = home.browserOf('dora')
    await agree(browser, peer.authority, url)
    for (const gone of [url, `${home.origin}/connect/connect_nothing`, `${url}%ff`]) {
      const page = await browser.open(gone)
      assert.equal(page.status, 404, gone)
      assert.match(page.text, /This page is over/)
    }
  })
})

describe('the way back from the account server', () => {
  it('is open to the one who went, once, and to nobody else', async () => {
    // OC12, OC20, AS25
    const url = await pageFor('eve')
    const browser = home.browserOf('eve')
    const onward = await goOn(browser, url)
    const answer = await peer.authority.consent(onward)
    const stranger = await comeBack(home.browserOf('bob'), url, answer)
    assert.equal(stranger.status, 403)
    assert.equal((await callAs('bob')).result.content[0].text, '3')
    // What the stranger tried took nothing from who asked.
    assert.equal((await comeBack(browser, url, answer)).status, 200)
    const again = await comeBack(browser, url, answer)
    assert.equal(again.status, 404)
    assert.equal((await callAs('eve')).result.content[0].text, '3')
  })

  it('believes no other issuer, and repeats nothing that it says', async () => {
    // OC11, OC26
    const url = await pageFor('fay')
    const browser = home.browserOf('fay')
    const onward = await goOn(browser, url)
    const { searchParams } = new URL(onward)
    const words = 'Call+%2B1+555+now'
    const lie = new URLSearchParams(
      `error=access_denied&error_description=${words}&iss=https://evil.example`,
    )
    lie.set('state', searchParams.get('state') ?? '')
    const page = await comeBack(browser, url, lie)
    assert.equal(page.status, 403)
    assert.doesNotMatch(page.html, /555|evil|access_denied/)
    assert.equal((await callAs('fay')).result.isError, true)
  })

  it('that says no is told in our words', async () => {
    const url = await pageFor('gus')
    const browser = home.browserOf('gus')
    const { searchParams } = new URL(await goOn(browser, url))
    const said = new URLSearchParams({ error: 'access_denied', iss: peer.authority.issuer })
    said.set('error_description', '<b>no</b>')
    said.set('state', searchParams.get('state') ?? '')
    const page = await comeBack(browser, url, said)
    assert.equal(page.status, 502)
    assert.match(page.text, /was not allowed/)
    assert.doesNotMatch(page.html, /<b>no/)
  })
})

it('What one hears of a server is not told to another', async () => {
  // OC27
  const inSession = async (sub: string) => {
    const token = bearer(await tokenOf(sub))
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: sub, version: '0' },
    }
    const { headers } = await ask(home.at('cloud'), legacy(rpc('initialize', params), token))
    return { ...token, 'mcp-session-id': String(headers['mcp-session-id']) }
  }
  const [ada, bob] = [await inSession('ada'), await inSession('bob')]
  const listen = (headers: typeof ada) =>
    begin(home.at('cloud'), { method: 'GET', headers: { ...headers, accept: 'text/event-stream' } })
  const [hers, his] = [await listen(ada), await listen(bob)]
  for (const mine of [ada, bob]) {
    const subscribe = rpc('resources/subscribe', { uri: 'test://watched' })
    assert.equal((await ask(home.at('cloud'), legacy(subscribe, mine))).status, 200)
  }
  await callAs('ada', 'cloud', { name: 'change', arguments: {} })
  const isUpdate = ({ method }: Wire): boolean => method === 'notifications/resources/updated'
  await hers.event(isUpdate)
  await callAs('bob')
  assert.ok(!his.events.some(({ data }) => data && isUpdate(data)))
  hers.drop()
  his.drop()
})

it('Connecting a server lets nobody in to us, and who is not let in is sent to no page.', async () => {
  // OC22
  const params = { ...add, arguments: { a: 1, b: 2 } }
  const meta = envelope({}, { elicitation: { form: {}, url: {} } })
  const answer = await ask(home.at('cloud'), modern('tools/call', { params, meta }))
  assert.equal(answer.status, 401)
  assert.doesNotMatch(answer.text, /connect\//)
  // Not even the browser of somebody who has connected it.
  const headers = { cookie: 'somebody=ada' }
  const again = await ask(home.at('cloud'), modern('tools/call', { params, meta, headers }))
  assert.equal(again.status, 401)
})
