import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeKey, seconds, startIssuer } from './fake-issuer.ts'
import { PROVIDER_CLIENT, startProvider, type FakeProvider } from './fake-provider.ts'
import type { FormBrowser, Page } from './form-browser.ts'
import { openPeopleHouse, type PeopleHouse } from './people-house.ts'

type Loose = Readonly<Record<string, unknown>>

const through = (provider: FakeProvider, more: Loose = {}): Loose => ({
  signIn: { issuer: provider.issuer, name: 'Example SSO', ...PROVIDER_CLIENT, ...more },
})

/** Goes to the provider, and returns with whatever it says. */
async function goThrough(
  house: PeopleHouse,
  browser: FormBrowser,
  path = '/oauth/sign-in',
): Promise<Page> {
  const page = await browser.open(`${house.origin}${path}`)
  const away = await page.submit({ how: 'provider' })
  return browser.open(await backFrom(away.url))
}

/** Where the provider sends the browser. */
async function backFrom(url: URL): Promise<string> {
  const answer = await fetch(url, { redirect: 'manual' })
  return answer.headers.get('location') ?? ''
}

test('AS37: whom a provider knows gets an account of ours, by issuer and subject alone', async () => {
  await using provider = await startProvider()
  await using house = await openPeopleHouse({ auth: through(provider) })
  const { users } = house.guarded.house.people
  const browser = house.browser()
  assert.match((await goThrough(house, browser)).text, /You are signed in As grace/)
  const [asked] = provider.asked
  assert.equal(asked?.get('code_challenge_method'), 'S256')
  assert.equal(asked?.get('redirect_uri'), `${house.origin}/oauth/sign-in/callback`)
  assert.match(asked?.get('scope') ?? '', /^openid /)
  // Another name, the same person; another subject, another one.
  provider.claims = { preferred_username: 'grace.hopper' }
  await goThrough(house, house.browser())
  provider.claims = { sub: 'subject-2' }
  await goThrough(house, house.browser())
  const found = await users.list()
  assert.deepEqual(
    found.map(({ name, provider: issuer }) => [name, issuer]),
    [
      ['grace', provider.issuer],
      ['grace', provider.issuer],
    ],
  )
  await users.disable(found[0]!.id, true)
  await users.disable(found[1]!.id, true)
  assert.match((await goThrough(house, house.browser())).text, /This account is not let in/)
})

test('a person of the provider consents like any other', async () => {
  await using provider = await startProvider()
  await using house = await openPeopleHouse({ auth: through(provider) })
  const browser = house.browser()
  const page = await browser.open(house.authorize({ scope: 'mcp:discover' }))
  assert.match(page.text, /Continue with Example SSO/)
  const away = await page.submit({ how: 'provider' })
  const consent = await browser.open(await backFrom(away.url))
  assert.match(consent.text, /Let Notebook Agent in\?/)
  const back = await consent.submit({}, 'allow')
  assert.deepEqual(await house.scopesFor(back.url), ['mcp:discover'])
})

test('AS25: state is good once, for ten minutes, in the browser that chose to go', async () => {
  await using provider = await startProvider()
  await using house = await openPeopleHouse({ auth: through(provider) })
  const begin = async (browser: FormBrowser): Promise<string> => {
    const page = await browser.open(`${house.origin}/oauth/sign-in`)
    return backFrom((await page.submit({ how: 'provider' })).url)
  }
  const [mine, theirs] = [house.browser(), house.browser()]
  const url = await begin(mine)
  await theirs.open(`${house.origin}/oauth/sign-in`)
  assert.match((await theirs.open(url)).text, /not begun here/)
  const other = new URL(url)
  other.searchParams.set('state', 'another')
  assert.match((await mine.open(other)).text, /not begun here/)
  const both = await Promise.all([mine.open(url), mine.open(url)])
  const signedIn = both.filter(({ text }) => text.includes('You are signed in'))
  assert.equal(signedIn.length, 1)
  assert.match((await mine.open(url)).text, /not begun here/)
  // Looking at the page is not yet a choice: nothing was kept for it.
  assert.equal(provider.asked.length, 1)
})

test('what a provider says is believed only when all of it is right', async () => {
  await using provider = await startProvider()
  await using house = await openPeopleHouse({ auth: through(provider) })
  const wrong: readonly [string, Partial<FakeProvider>][] = [
    ['another audience', { claims: { aud: 'somebody-else' } }],
    ['another issuer', { claims: { iss: 'https://evil.example' } }],
    ['another nonce', { claims: { nonce: 'x' } }],
    ['over', { claims: { exp: seconds() - 600, iat: seconds() - 900 } }],
    ['the redirect of another issuer', { back: { iss: 'https://evil.example' } }],
    ['the redirect of no issuer', { back: { iss: undefined } }],
    ['an error', { back: { code: undefined, error: 'x', error_description: '<b>evil words</b>' } }],
    ['another key', { forger: await makeKey('ES256') }],
    ['a code of nobody', { back: { code: 'made-up' } }],
  ]
  for (const [name, what] of wrong) {
    Object.assign(provider, { claims: {}, back: {}, forger: undefined }, what)
    const page = await goThrough(house, house.browser())
    assert.equal(page.status, 403, name)
    assert.match(page.text, /You are not signed in/, name)
    assert.ok(!page.html.includes('evil'), name)
  }
  assert.deepEqual(await house.guarded.house.people.users.list(), [])
})

test('only a verified address of a listed domain comes in, where domains are listed', async () => {
  await using provider = await startProvider()
  await using house = await openPeopleHouse({
    auth: through(provider, { domains: ['example.com'] }),
  })
  for (const claims of [
    {},
    { email: 'grace@example.com' },
    { email: 'grace@example.com', email_verified: false },
    { email: 'grace@evil.example', email_verified: true },
    { email: 'grace@example.com@evil.example', email_verified: true },
    { email: 'grace@sub.example.com', email_verified: true },
  ]) {
    provider.claims = claims
    const page = await goThrough(house, house.browser())
    assert.match(page.text, /This account is not let in/, JSON.stringify(claims))
  }
  provider.claims = { email: 'Grace@Example.com', email_verified: true }
  assert.match((await goThrough(house, house.browser())).text, /You are signed in/)
})

test('asked for a proof of now, a provider has to say that it took one', async () => {
  await using provider = await startProvider()
  await using house = await openPeopleHouse({ auth: through(provider) })
  const browser = house.browser()
  await goThrough(house, browser)
  const again = '/oauth/sign-in?fresh=0'
  assert.match((await goThrough(house, browser, again)).text, /Sign in anew, please/)
  assert.equal(provider.asked.at(-1)?.get('prompt'), 'login')
  provider.claims = { auth_time: seconds() - 3_600 }
  assert.match((await goThrough(house, browser, again)).text, /Sign in anew, please/)
  provider.claims = { auth_time: seconds() + 1 }
  assert.match((await goThrough(house, browser, again)).text, /You are signed in/)
})

test('where others issue the tokens, people of the provider are the principals of those tokens', async () => {
  await using provider = await startProvider()
  await using issuer = await startIssuer()
  const auth = { embedded: undefined, issuers: [{ issuer: issuer.issuer }], ...through(provider) }
  await using house = await openPeopleHouse({ auth })
  const browser = house.browser()
  const page = await browser.open(`${house.origin}/oauth/sign-in`)
  assert.doesNotMatch(page.html, /type="password"/)
  assert.match((await goThrough(house, browser)).text, /You are signed in/)
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const person = await house.guarded.house.people
    .signIns()
    .personOf({ headers: { cookie } } as never)
  assert.equal(person?.principal, `${provider.issuer}#subject-1`)
  assert.equal(person?.account, undefined)
})

test('a provider that does not answer is said to, and nothing else of it', async () => {
  const provider = await startProvider()
  await using house = await openPeopleHouse({ auth: through(provider) })
  await provider[Symbol.asyncDispose]()
  const page = await house.browser().open(`${house.origin}/oauth/sign-in`)
  const away = await page.submit({ how: 'provider' })
  assert.equal(away.status, 502)
  assert.match(away.text, /Signing in is not possible now/)
})
