import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemWorld } from '#base'
import { openPeopleHouse, PASSWORD } from './people-house.ts'

test('AS23: every page is locked down, and no frame, script or other host gets in', async () => {
  await using house = await openPeopleHouse()
  const { link } = await house.guarded.house.people.users.add('ada')
  for (const path of [
    '/oauth/sign-in',
    '/oauth/sign-out',
    '/oauth/enrol/nothing',
    new URL(link).pathname,
  ]) {
    const { headers } = await fetch(`${house.origin}${path}`)
    const policy = headers.get('content-security-policy') ?? ''
    assert.match(
      policy,
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    )
    assert.equal(headers.get('x-frame-options'), 'DENY')
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('x-content-type-options'), 'nosniff')
    assert.equal(headers.get('referrer-policy'), 'same-origin')
  }
})

test('AS24: cookies are for us alone: HttpOnly, Lax, and with https the host itself and Secure', async () => {
  await using house = await openPeopleHouse()
  const page = await fetch(`${house.origin}/oauth/sign-in`)
  assert.match(
    page.headers.get('set-cookie') ?? '',
    /^countersign-form=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/,
  )
  const { makePages } = await import('#auth')
  const seal = { seal: () => 'sealed', open: () => undefined }
  const cookies: string[] = []
  makePages(systemWorld, seal, 'https://mcp.example').forms.field(
    { headers: {} } as never,
    { appendHeader: (_name: string, value: string) => void cookies.push(value) } as never,
    'x',
  )
  assert.match(
    cookies[0] ?? '',
    /^__Host-countersign-form=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  )
})

test('a sign-in has a new cookie each time, and the one before is over', async () => {
  await using house = await openPeopleHouse()
  const browser = house.browser()
  await house.enrol('ada', browser)
  const before = browser.cookies.get('countersign')
  // Signed in already, the page leads on: a form is only shown when it is asked for anew.
  const there = await browser.open(`${house.origin}/oauth/sign-in`)
  assert.match(there.text, /You are signed in/)
  const again = await browser.open(`${house.origin}/oauth/sign-in?fresh=0`)
  assert.match(again.text, /Sign in once more/)
  await again.submit({ password: PASSWORD })
  const after = browser.cookies.get('countersign')
  assert.notEqual(after, before)
  const thief = house.browser()
  thief.cookies.set('countersign', before!)
  assert.match((await thief.open(`${house.origin}/oauth/account`)).text, /Sign in/)
})

test('signing out ends it here, and not only in this browser', async () => {
  await using house = await openPeopleHouse()
  const browser = house.browser()
  await house.enrol('ada', browser)
  const cookie = browser.cookies.get('countersign')!
  const page = await browser.open(`${house.origin}/oauth/account`)
  assert.match((await page.submit()).text, /Sign in/)
  assert.equal(browser.cookies.has('countersign'), false)
  browser.cookies.set('countersign', cookie)
  assert.match((await browser.open(`${house.origin}/oauth/account`)).text, /Sign in/)
})

test('a session that nobody uses for twelve hours is over; one that is used goes on', async () => {
  let ahead = 0
  const world = { ...systemWorld, now: () => systemWorld.now() + ahead }
  await using house = await openPeopleHouse({ world })
  const browser = house.browser()
  await house.enrol('ada', browser)
  const account = `${house.origin}/oauth/account`
  ahead = 11 * 3_600_000
  assert.match((await browser.open(account)).text, /You are signed in/)
  ahead = 22 * 3_600_000
  assert.match((await browser.open(account)).text, /You are signed in/)
  ahead = 35 * 3_600_000
  assert.match((await browser.open(account)).text, /Sign in/)
})

test('AS23: a form counts only from our own page, in the browser that it was shown to', async () => {
  await using house = await openPeopleHouse()
  await house.enrol('ada')
  const url = `${house.origin}/oauth/sign-in`
  const shown = await fetch(url)
  const cookie = (shown.headers.get('set-cookie') ?? '').split(';', 1)[0]!
  const field = /name="form" value="([^"]+)"/.exec(await shown.text())![1]!
  const send = async (headers: Record<string, string>, form = field): Promise<number> => {
    const body = new URLSearchParams({ form, how: 'own', name: 'ada', password: PASSWORD })
    return (await fetch(url, { method: 'POST', headers, body })).status
  }
  const { origin } = house
  assert.equal(await send({ cookie, origin }), 200)
  assert.equal(await send({ cookie }), 200)
  assert.equal(await send({ cookie, origin: 'http://localhost:1' }), 403)
  assert.equal(await send({ cookie, origin: 'https://evil.example' }), 403)
  assert.equal(await send({ cookie, 'sec-fetch-site': 'cross-site' }), 403)
  assert.equal(await send({ origin }), 400)
  assert.equal(await send({ cookie: `countersign-form=${'A'.repeat(43)}`, origin }), 400)
  assert.equal(await send({ cookie: `${cookie}; ${cookie}`, origin }), 400)
  assert.equal(await send({ cookie, origin }, `${field}A`), 400)
  assert.equal(await send({ cookie, origin }, ''), 400)
  // The field of another form is not the field of this one.
  const out = await fetch(`${origin}/oauth/sign-out`, { headers: { cookie } })
  const other = /name="form" value="([^"]+)"/.exec(await out.text())![1]!
  assert.equal(await send({ cookie, origin }, other), 400)
})

test('a name that is unknown, a wrong password and too many tries say the same to each', async () => {
  await using house = await openPeopleHouse()
  await house.enrol('ada')
  const said = async (name: string): Promise<string> => {
    const browser = house.browser()
    const page = await house.signIn(name, browser, 'wrong wrong wrong')
    return page.text.replaceAll(name, '')
  }
  assert.equal(await said('ada'), await said('nobody'))
  for (let tries = 1; tries < 10; tries++) {
    assert.match(await said('ada'), /do not belong together/)
    assert.match(await said('nobody'), /do not belong together/)
  }
  assert.match(await said('ada'), /tried too often/)
  assert.equal(await said('ada'), await said('nobody'))
  // The right password does not help either, until the time is over.
  assert.match((await house.signIn('ada', house.browser())).text, /tried too often/)
})

test('many tries at one time count as many', async () => {
  await using house = await openPeopleHouse()
  await house.enrol('ada')
  const pages = await Promise.all(
    Array.from({ length: 32 }, () => house.browser().open(`${house.origin}/oauth/sign-in`)),
  )
  const answers = await Promise.all(
    pages.map((page) => page.submit({ name: 'ada', password: 'wrong wrong wrong' })),
  )
  const tried = answers.filter(({ text }) => text.includes('do not belong together')).length
  assert.equal(tried, 10)
})

test('AS16: a link cannot lead whoever signs in to another site', async () => {
  await using house = await openPeopleHouse()
  await house.enrol('ada')
  const browser = house.browser()
  for (const to of ['https://evil.example/', '//evil.example', '/\\evil.example']) {
    const url = `${house.origin}/oauth/sign-in?to=${encodeURIComponent(to)}`
    const page = await browser.open(`${url}&fresh=0`)
    assert.ok(!page.html.includes('evil.example'))
    const done = await page.submit({ name: 'ada', password: PASSWORD, to })
    assert.equal(done.url.pathname, '/oauth/account')
  }
})

test('what somebody typed comes back as text, never as markup', async () => {
  await using house = await openPeopleHouse()
  const name = '"><img src=x onerror=alert(1)>'
  const page = await house.signIn(name, house.browser())
  assert.ok(!page.html.includes('<img'))
  assert.match(page.html, /value="&quot;&gt;&lt;img/)
})

test('behind a proxy tries are counted for whom the proxy names, and for nobody else', async () => {
  const listen = { publicUrl: 'https://mcp.example' }
  await using house = await openPeopleHouse({ listen })
  const url = `${house.origin}/oauth/sign-in`
  const statuses = async (forwarded: (at: number) => string): Promise<ReadonlySet<string>> => {
    const answers = new Set<string>()
    for (let at = 0; at < 63; at++) {
      const shown = await fetch(url)
      const cookie = (shown.headers.get('set-cookie') ?? '').split(';', 1)[0]!
      const form = /name="form" value="([^"]+)"/.exec(await shown.text())![1]!
      const challenge = 'no challenge'
      // A passkey costs no time to refuse.
      const body = new URLSearchParams({ form, how: 'own', passkey: '{}', challenge })
      const headers = { cookie, origin: 'https://mcp.example', 'x-forwarded-for': forwarded(at) }
      const said = await (await fetch(url, { method: 'POST', headers, body })).text()
      answers.add(/tried too often/.test(said) ? 'too often' : 'tried')
    }
    return answers
  }
  // Whatever a caller writes before what the proxy adds changes nothing.
  const oneCaller = await statuses((at) => `10.0.0.${String(at)}, 203.0.113.7`)
  assert.deepEqual(oneCaller, new Set(['tried', 'too often']))
  const manyCallers = await statuses((at) => `203.0.113.${String(at + 100)}`)
  assert.deepEqual(manyCallers, new Set(['tried']))
})
