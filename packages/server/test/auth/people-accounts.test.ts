import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { bearer, listing, send } from './guarded-house.ts'
import { openPeopleHouse, PASSWORD } from './people-house.ts'

test('whoever starts the first one is given a link, and makes the first account with it', async () => {
  await using house = await openPeopleHouse()
  const { users } = house.guarded.house.people
  const older = await users.firstLink()
  const first = await users.firstLink()
  assert.match(first?.link ?? '', /^http:\/\/127\.0\.0\.1:\d+\/oauth\/enrol\/[\w-]{43}$/)
  const browser = house.browser()
  // A newer link replaces the older one.
  assert.equal((await browser.open(older!.link)).status, 404)
  const naming = await browser.open(first!.link)
  assert.match(naming.text, /Nobody can sign in here yet/)
  const bad = await naming.submit({ name: 'not a name' })
  assert.match(bad.html, /aria-invalid="true"/)
  const choosing = await bad.submit({ name: 'Ada' })
  assert.match(choosing.text, /Welcome, Ada/)
  const done = await choosing.submit({ password: PASSWORD, repeat: PASSWORD })
  assert.match(done.text, /You are signed in As Ada/)
  assert.equal(await users.firstLink(), undefined)
  assert.equal((await browser.open(first!.link)).status, 404)
  const [user] = await users.list()
  assert.deepEqual(
    { ...user, id: '', addedAt: 0 },
    { id: '', name: 'Ada', addedAt: 0, isDisabled: false, hasPassword: true, passkeys: 0 },
  )
  assert.match(user!.id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
})

test('a first link that was not used makes no account once there is one', async () => {
  await using house = await openPeopleHouse()
  const { users } = house.guarded.house.people
  const first = await users.firstLink()
  await house.enrol('ada')
  assert.equal((await house.browser().open(first!.link)).status, 404)
})

test('a link is good for one use, and not for those whose page was open meanwhile', async () => {
  await using house = await openPeopleHouse()
  const { link } = await house.guarded.house.people.users.add('ada')
  const [mine, theirs] = [house.browser(), house.browser()]
  const [page, other] = [await mine.open(link), await theirs.open(link)]
  const both = await Promise.all(
    [page, other].map((one) => one.submit({ password: PASSWORD, repeat: PASSWORD })),
  )
  assert.deepEqual(new Set(both.map(({ status }) => status)), new Set([200, 404]))
  assert.equal((await house.browser().open(link)).status, 404)
})

test('a link is over after a day, or when a newer one is made', async () => {
  let ahead = 0
  const world = { ...systemWorld, now: () => systemWorld.now() + ahead }
  await using house = await openPeopleHouse({ world })
  const { users } = house.guarded.house.people
  const { link } = await users.add('ada')
  const newer = await users.link('ADA')
  const browser = house.browser()
  assert.equal((await browser.open(link)).status, 404)
  assert.equal((await browser.open(newer.link)).status, 200)
  ahead = 24 * 3_600_000 + 1_000
  assert.equal((await browser.open(newer.link)).status, 404)
})

test('a password that would be guessed, or was mistyped, is not taken and tied to its field', async () => {
  await using house = await openPeopleHouse()
  const { link } = await house.guarded.house.people.users.add('ada')
  const page = await house.browser().open(link)
  const short = await page.submit({ password: 'short', repeat: 'short' })
  assert.match(short.html, /role="alert" id="problem"/)
  assert.match(
    short.html,
    /id="password"[^>]*aria-describedby="rule problem"\s+aria-invalid="true"/,
  )
  const unlike = await short.submit({ password: PASSWORD, repeat: `${PASSWORD}!` })
  assert.match(unlike.text, /not the same/)
  // Nothing of it comes back in the page.
  assert.doesNotMatch(unlike.html, new RegExp(PASSWORD))
  const done = await unlike.submit({ password: PASSWORD, repeat: PASSWORD })
  assert.match(done.text, /You are signed in/)
})

test('a name is taken once, however it is written', async () => {
  await using house = await openPeopleHouse()
  const { users } = house.guarded.house.people
  await users.add('Ada')
  await assert.rejects(users.add('ada'), { code: 'user/taken' })
  await assert.rejects(users.add('a b'), { code: 'rpc/bad-params' })
  await assert.rejects(users.link('grace'), { code: 'user/unknown' })
})

test('who is disabled is out everywhere, and who is enabled again comes in as before', async () => {
  await using house = await openPeopleHouse()
  const { users } = house.guarded.house.people
  const browser = house.browser()
  await house.enrol('ada', browser)
  const { link } = await users.link('ada')
  await users.disable('ada', true)
  assert.match((await browser.open(`${house.origin}/oauth/account`)).text, /Sign in/)
  assert.match((await house.signIn('ada', browser)).text, /do not belong together/)
  assert.equal((await house.browser().open(link)).status, 404)
  await users.disable('ada', false)
  assert.match((await house.signIn('ada', browser)).text, /You are signed in/)
  await users.remove('ada')
  assert.match((await browser.open(`${house.origin}/oauth/account`)).text, /Sign in/)
  assert.deepEqual(await users.list(), [])
})

test('whoever chooses a new password ends the sessions that the old one began', async () => {
  await using house = await openPeopleHouse()
  const old = house.browser()
  await house.enrol('ada', old)
  const { link } = await house.guarded.house.people.users.link('ada')
  const page = await house.browser().open(link)
  const password = 'another long password'
  assert.match(page.text, /What you used before stops working/)
  await page.submit({ password, repeat: password })
  assert.match((await old.open(`${house.origin}/oauth/account`)).text, /Sign in/)
  assert.match((await house.signIn('ada', old)).text, /do not belong together/)
  assert.match((await house.signIn('ada', old, password)).text, /You are signed in/)
})

test('what is done about accounts is in the ledger, and nothing that is secret', async () => {
  await using house = await openPeopleHouse()
  const { users } = house.guarded.house.people
  await house.enrol('ada')
  const { link } = await users.link('ada')
  await users.disable('ada', true)
  await users.remove('ada')
  const kinds = await house.kinds()
  for (const kind of ['user.added', 'user.enrolled', 'sign-in', 'user.linked', 'user.disabled']) {
    assert.ok(kinds.includes(kind), kind)
  }
  const all = JSON.stringify(await house.guarded.house.ledger.read({ last: 1_000 }))
  assert.ok(!all.includes(PASSWORD) && !all.includes(link.split('/').at(-1)!))
})

test('with an account ends what it gave away: the token of now, and the next one', async () => {
  await using house = await openPeopleHouse()
  const { users } = house.guarded.house.people
  const browser = house.browser()
  await house.enrol('ada', browser)
  const page = await browser.open(house.authorize({ scope: 'mcp:discover peer:read' }))
  const back = await page.submit({}, 'allow')
  const { json } = await house.redeem(house.codeIn(back.url))
  const list = async (token: unknown): Promise<number> =>
    (await send(house.guarded, listing(bearer(String(token))), '')).status
  assert.equal(await list(json['access_token']), 200)
  await users.disable('ada', true)
  assert.equal(await list(json['access_token']), 401)
  const refresh = { grant_type: 'refresh_token', refresh_token: String(json['refresh_token']) }
  assert.equal((await house.redeem(refresh)).status, 400)
})
