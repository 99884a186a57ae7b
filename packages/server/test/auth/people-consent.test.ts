import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { CLIENT, openPeopleHouse, PASSWORD, REDIRECT } from './people-house.ts'

test('AS12, AS23: consent names the program, where the answer goes, and what it covers', async () => {
  await using house = await openPeopleHouse()
  await house.guarded.house.admin.listTools({ view: '' })
  const browser = house.browser()
  await house.enrol('ada', browser)
  const page = await browser.open(house.authorize({ scope: 'mcp:discover peer:read' }))
  assert.match(page.text, /Let Notebook Agent in\?/)
  assert.match(page.text, /Registered by an administrator/)
  assert.match(page.text, /Answer goes to notes\.example/)
  assert.match(page.text, /Signed in as ada/)
  assert.doesNotMatch(page.text, /runs on your own computer/)
  const back = await page.submit({}, 'allow')
  assert.equal(back.url.origin + back.url.pathname, REDIRECT)
  assert.deepEqual(await house.scopesFor(back.url), ['mcp:discover', 'peer:read'])
  const consents = (await house.guarded.house.ledger.read({ last: 1_000 })).filter(
    ({ kind }) => kind === 'consent',
  )
  // RS17: what was asked for, and what was given.
  assert.deepEqual(consents[0]?.body['agreed'], ['mcp:discover', 'peer:read'])
})

test('AS12: a client that answers on this computer alone is warned of', async () => {
  await using house = await openPeopleHouse()
  const redirect = 'http://127.0.0.1:4711/callback'
  await house.guarded.house.authorization?.clients.add(
    { ...CLIENT, client_id: 'local', client_name: '<b>Local</b>', redirect_uris: [redirect] },
    'admin',
  )
  const browser = house.browser()
  await house.enrol('ada', browser)
  const page = await browser.open(
    house.authorize({ scope: 'mcp:discover', client_id: 'local', redirect_uri: redirect }),
  )
  assert.match(page.text, /runs on your own computer/)
  assert.match(page.text, /this computer \(127\.0\.0\.1:4711\)/)
  // What a client calls itself is text.
  assert.ok(!page.html.includes('<b>Local'))
  assert.match(page.html, /&lt;b&gt;Local/)
})

test('who comes back for more is asked for the rest alone, and told what is held', async () => {
  await using house = await openPeopleHouse()
  const browser = house.browser()
  await house.enrol('ada', browser)
  const first = await browser.open(house.authorize({ scope: 'mcp:discover peer:read' }))
  await first.submit({}, 'allow')
  const more = await browser.open(house.authorize({ scope: 'mcp:discover peer:read peer:write' }))
  assert.match(more.text, /Let Notebook Agent do more\?/)
  assert.match(more.html, /<input type="hidden" name="scope" value="peer:write"/)
  assert.doesNotMatch(more.html, /name="scope" value="peer:read"/)
  assert.match(more.text, /It may already: See what there is · Read with peer\./)
  const back = await more.submit({}, 'allow')
  assert.deepEqual(await house.scopesFor(back.url), ['mcp:discover', 'peer:read', 'peer:write'])
  // With all of it held, nobody is asked, unless the client wants them to be.
  const again = await browser.open(house.authorize({ scope: 'mcp:discover peer:read' }))
  assert.equal(again.url.hostname, 'notes.example')
  const asked = await browser.open(house.authorize({ scope: 'mcp:discover', prompt: 'consent' }))
  assert.match(asked.text, /Let Notebook Agent in again\?/)
  assert.ok((await asked.submit({}, 'allow')).url.searchParams.has('code'))
})

test('a scope that was unticked is not given, and is asked for again when it is needed', async () => {
  await using house = await openPeopleHouse()
  const browser = house.browser()
  await house.enrol('ada', browser)
  const scope = 'mcp:discover peer:read peer:write'
  const first = await browser.open(house.authorize({ scope }))
  const some = await first.submit({ scope: 'peer:read' }, 'allow')
  assert.deepEqual(await house.scopesFor(some.url), ['peer:read'])
  const second = await browser.open(house.authorize({ scope }))
  assert.match(second.text, /do more\?/)
  const all = await second.submit({ scope: 'peer:write' }, 'allow')
  assert.deepEqual((await house.scopesFor(all.url)).toSorted(), ['peer:read', 'peer:write'])
})

test('who denies sends the client back with access_denied, and it gets nothing', async () => {
  await using house = await openPeopleHouse()
  const browser = house.browser()
  await house.enrol('ada', browser)
  for (const [fields, button] of [
    [{}, 'deny'],
    [{ scope: '' }, 'allow'],
  ] as const) {
    const page = await browser.open(house.authorize({ scope: 'mcp:discover peer:read' }))
    const back = await page.submit(fields, button)
    assert.equal(back.url.searchParams.get('error'), 'access_denied')
    assert.equal(back.url.searchParams.get('state'), 'the state')
    assert.equal(back.url.searchParams.get('iss'), `${house.origin}/oauth`)
    assert.equal(back.url.searchParams.has('code'), false)
  }
})

test('AS22: what one client was given is not given to another, nor to another person', async () => {
  await using house = await openPeopleHouse()
  await house.guarded.house.authorization?.clients.add(
    { ...CLIENT, client_id: 'other', client_name: 'Other' },
    'admin',
  )
  const browser = house.browser()
  await house.enrol('ada', browser)
  const scope = 'mcp:discover'
  await (await browser.open(house.authorize({ scope }))).submit({}, 'allow')
  const other = await browser.open(house.authorize({ scope, client_id: 'other' }))
  assert.match(other.text, /Let Other in\?/)
  // Another person in the same browser.
  await house.enrol('grace')
  await (await browser.open(`${house.origin}/oauth/sign-out`)).submit()
  const asked = await browser.open(house.authorize({ scope }))
  assert.match(asked.text, /Sign in/)
  const consent = await asked.submit({ name: 'grace', password: PASSWORD })
  assert.match(consent.text, /Let Notebook Agent in\?/)
  assert.match(consent.text, /Signed in as grace/)
})

test('AS24: the answer to one question is no answer to another', async () => {
  await using house = await openPeopleHouse()
  const browser = house.browser()
  await house.enrol('ada', browser)
  const first = await browser.open(house.authorize({ scope: 'mcp:discover' }))
  const field = /name="form" value="([^"]+)"/.exec(first.html)![1]!
  const second = await browser.open(house.authorize({ scope: 'peer:admin' }))
  const refused = await second.submit({ form: field }, 'allow')
  assert.equal(refused.status, 400)
  // And a page that was answered is over.
  const third = await browser.open(house.authorize({ scope: 'peer:admin' }))
  await third.submit({}, 'allow')
  assert.equal((await third.submit({}, 'allow')).status, 400)
})

test('prompt=none never shows a page', async () => {
  await using house = await openPeopleHouse()
  const browser = house.browser()
  const asked = { scope: 'mcp:discover', prompt: 'none' }
  const nobody = await browser.open(house.authorize(asked))
  assert.equal(nobody.url.searchParams.get('error'), 'login_required')
  await house.enrol('ada', browser)
  await (await browser.open(house.authorize({ scope: 'mcp:discover' }))).submit({}, 'allow')
  const held = await browser.open(house.authorize(asked))
  assert.ok(held.url.searchParams.get('code'), held.url.href)
  const more = await browser.open(house.authorize({ ...asked, scope: 'peer:admin' }))
  assert.match(more.url.searchParams.get('error') ?? '', /_required$/)
})

test('max_age and prompt=login want a proof that is young enough', async () => {
  // They sign in two hours ago.
  let ahead = -2 * 3_600_000
  const world = { ...systemWorld, now: () => systemWorld.now() + ahead }
  await using house = await openPeopleHouse({ world })
  const browser = house.browser()
  await house.enrol('ada', browser)
  const scope = 'openid mcp:discover'
  await (await browser.open(house.authorize({ scope }))).submit({}, 'allow')
  ahead = 0
  const young = await browser.open(house.authorize({ scope, max_age: '10800' }))
  assert.ok(young.url.searchParams.has('code'), young.text)
  // A sign-in within the second in which the question came would count as one since.
  for (const [asked, signedInAgo] of [
    [{ max_age: '3600' }, -10_000],
    [{ prompt: 'login' }, 0],
  ] as const) {
    const anew = await browser.open(house.authorize({ scope, ...asked }))
    assert.match(anew.text, /Sign in once more/, anew.url.href)
    ahead = signedInAgo
    const back = await anew.submit({ password: PASSWORD })
    assert.ok(back.url.searchParams.has('code'), back.text)
    ahead = 0
  }
  // By now they are: nobody is asked a second time.
  const held = await browser.open(house.authorize({ scope, max_age: '3600' }))
  assert.ok(held.url.searchParams.has('code'), held.text)
})

test('a request that cannot be answered says so on a page of ours, without its markup', async () => {
  await using house = await openPeopleHouse()
  const browser = house.browser()
  const page = await browser.open(
    house.authorize({ client_id: '<script>x</script>', scope: 'mcp:discover' }),
  )
  assert.equal(page.status, 400)
  assert.match(page.text, /This request cannot be answered/)
  assert.ok(!page.html.includes('<script>x'))
  assert.match(
    (await browser.open(`${house.origin}/oauth/interaction/nothing`)).text,
    /request is over/,
  )
})

test('a code that somebody was given before all was revoked opens nothing after it', async () => {
  // AS15, AS39
  await using house = await openPeopleHouse()
  const browser = house.browser()
  await house.enrol('ada', browser)
  const page = await browser.open(house.authorize({ scope: 'mcp:discover' }))
  const { url } = await page.submit({}, 'allow')
  const [ada] = await house.guarded.house.people.users.list()
  await house.guarded.house.admin.revoke({ user: `${house.origin}/oauth#${ada?.id ?? ''}` })
  const { status, json } = await house.redeem(house.codeIn(url))
  assert.deepEqual([status, json['error']], [400, 'invalid_grant'])
})

test('a scope of two resources is agreed to for each of them', async () => {
  // AS12
  await using house = await openPeopleHouse()
  const browser = house.browser()
  await house.enrol('ada', browser)
  const asked = new URL(house.authorize({ scope: 'peer:write' }))
  asked.searchParams.append('resource', `${house.origin}/mcp/peer`)
  const page = await browser.open(asked)
  const boxes = [...page.html.matchAll(/name="scope"\s+value="([^"]*)"/g)].map(([, value]) => value)
  assert.deepEqual(boxes, [`peer:write ${house.origin}/mcp`, `peer:write ${house.origin}/mcp/peer`])
  assert.match(page.text, /Read and change with peer \(Countersign: peer\)/)
  const back = await page.submit({ scope: boxes[1] ?? '' }, 'allow')
  const other = await house.redeem({ ...house.codeIn(back.url), resource: `${house.origin}/mcp` })
  assert.equal(other.json['scope'] ?? '', '', JSON.stringify(other.json))
})
