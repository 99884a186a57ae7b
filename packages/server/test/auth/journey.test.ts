// The whole way, with nothing made up: official clients, the embedded authorization server, its pages
// as a browser without JavaScript sees them, and calls that reach a server.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DpopSession } from '@modelcontextprotocol/client'
import { decodeJwt } from 'jose'
import { makeFormBrowser, type FormBrowser, type Page } from './form-browser.ts'
import { openGuarded, type GuardedHouse } from './guarded-house.ts'
import { CALLBACK, callAsking, comeIn, comeInOld, makeVisitor, type Visitor } from './visitor.ts'

const PASSWORD = 'correct horse battery staple'

let house: GuardedHouse
before(async () => {
  house = await openGuarded({ auth: { embedded: { registration: true } } })
  const { admin } = house.house
  await admin.addClient({ id: 'story', name: 'Story', redirectUris: [CALLBACK] })
})
after(async () => {
  await house[Symbol.asyncDispose]()
})

interface Person {
  readonly name: string
  readonly browser: FormBrowser
  /** Every page of consent they were shown, oldest first. */
  readonly pages: Page[]
  /** What they press; agrees unless said otherwise. */
  answer: 'allow' | 'deny'
}

/** Somebody with an account, made as an operator makes it, and a browser. */
async function newPerson(name: string): Promise<Person> {
  const { link } = await house.house.admin.addUser({ name })
  const browser = makeFormBrowser(new URL(house.audience()).origin)
  const page = await browser.open(link)
  const done = await page.submit({ password: PASSWORD, repeat: PASSWORD })
  assert.equal(done.status, 200, done.text)
  browser.cookies.clear()
  return { name, browser, pages: [], answer: 'allow' }
}

/** Goes through whatever pages there are, as that person. */
async function browse(person: Person, url: URL): Promise<URL> {
  let page = await person.browser.open(url)
  for (let step = 0; step < 6 && page.status !== 0; step++) {
    assert.equal(page.status, 200, page.text)
    if (page.html.includes('name="password"')) {
      page = await page.submit({ name: person.name, password: PASSWORD })
    } else {
      person.pages.push(page)
      page = await page.submit({}, person.answer)
    }
  }
  return page.url
}

const visit = (person: Person, session?: DpopSession): Visitor =>
  makeVisitor({
    browse: (url) => browse(person, url),
    client: { client_id: 'story' },
    ...(session ? { session } : {}),
  })

/** As when somebody ends it, or its time is over: the next request with it is a 401. */
async function revokeTokenOf(visitor: Visitor): Promise<void> {
  const { jti } = decodeJwt(visitor.tokens()?.access_token ?? '')
  await house.house.admin.revoke({ token: jti ?? '' })
}

for (const [era, mode] of [
  ['2025-11-25', 'legacy'],
  ['2026-07-28', 'auto'],
] as const) {
  describe(`an official client of ${era}`, () => {
    it('signs in, agrees to the least, and to one more thing when it is needed', async () => {
      // RS13, AS12, SC2: the page of the second time names only what is new.
      const person = await newPerson(`ada-${mode}`)
      const visitor = visit(person)
      const inside = await comeIn(visitor, mode, house.at('peer'))
      assert.deepEqual(visitor.asked, ['mcp:discover'])
      assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
      assert.equal(person.pages.length, 2)
      const [first, second] = person.pages.map(({ text }) => text)
      assert.doesNotMatch(first ?? '', /echo/)
      assert.match(second ?? '', /echo/)
      const scopes = String(decodeJwt(visitor.tokens()?.access_token ?? '')['scope']).split(' ')
      assert.ok(scopes.includes('tool:peer.echo') && scopes.includes('mcp:discover'))
      await inside.client.close()
    })

    it('goes on with a new token when the old one is taken no longer, and asks nobody', async () => {
      // AS18: the refresh token is rotated.
      const person = await newPerson(`grace-${mode}`)
      const visitor = visit(person)
      const inside = await comeIn(visitor, mode, house.at('peer'))
      await callAsking(visitor, inside, 'echo')
      const old = visitor.tokens()
      await revokeTokenOf(visitor)
      assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
      assert.equal(person.pages.length, 2)
      assert.notEqual(visitor.tokens()?.access_token, old?.access_token)
      assert.notEqual(visitor.tokens()?.refresh_token, old?.refresh_token)
      await inside.client.close()
    })

    it('does the same with tokens that are bound to its key', async () => {
      // DP1, DP9
      const person = await newPerson(`dora-${mode}`)
      const visitor = visit(person, await DpopSession.create())
      const inside = await comeIn(visitor, mode, house.at('peer'))
      assert.equal(visitor.tokens()?.token_type, 'DPoP')
      assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
      await inside.client.close()
    })
  })
}

describe('somebody who is asked', () => {
  it('sees which tools a class opens, also when nobody has listed them yet', async () => {
    // AS12: exactly which tools the scopes cover.
    await using fresh = await openGuarded({ auth: { embedded: {} } })
    const { admin } = fresh.house
    await admin.addClient({ id: 'story', name: 'Story', redirectUris: [CALLBACK] })
    const { link } = await admin.addUser({ name: 'curie' })
    const browser = makeFormBrowser(new URL(fresh.audience()).origin)
    await (await browser.open(link)).submit({ password: PASSWORD, repeat: PASSWORD })
    const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    const asked = new URLSearchParams({
      response_type: 'code',
      client_id: 'story',
      redirect_uri: CALLBACK,
      scope: 'peer:write',
      resource: fresh.audience('peer'),
      code_challenge: challenge,
      code_challenge_method: 'S256',
    })
    const page = await browser.open(
      `${new URL(fresh.audience()).origin}/oauth/authorize?${asked.toString()}`,
    )
    assert.match(page.text, /Read and change with peer/)
    assert.match(page.text, /echo/)
    assert.match(page.text, /seen/)
  })
})

describe('an official client', () => {
  it('registers by itself where that is allowed', async () => {
    // AS19, AS20
    const person = await newPerson('hopper')
    const visitor = makeVisitor({ browse: (url) => browse(person, url) })
    const inside = await comeIn(visitor, 'auto', house.at('peer'))
    assert.match(await callAsking(visitor, inside, 'echo'), /\{\}/)
    await inside.client.close()
  })

  it('is told when its person says no, and has called nothing', async () => {
    const person = await newPerson('noether')
    const visitor = visit(person)
    const inside = await comeIn(visitor, 'auto', house.at('peer'))
    person.answer = 'deny'
    await assert.rejects(callAsking(visitor, inside, 'seen'), /did not agree/)
    assert.equal(visitor.callback().get('error'), 'access_denied')
    await inside.client.close()
  })
})

describe('an official client of SDK v1', () => {
  it('signs in, and loses nothing when it asks for more', async () => {
    // RS14b: it asks for exactly what a challenge names.
    const person = await newPerson('lovelace')
    const visitor = visit(person)
    const { call, close } = await comeInOld(visitor, house.at('peer'))
    assert.equal(await call('echo'), undefined)
    assert.match(JSON.stringify(await call('echo')), /\{\}/)
    assert.equal(await call('seen'), undefined)
    assert.match(JSON.stringify(await call('seen')), /content/)
    assert.match(JSON.stringify(await call('echo')), /\{\}/)
    assert.equal(visitor.asked.length, 3)
    // AS18: what is taken no longer is renewed, and nobody is asked.
    await revokeTokenOf(visitor)
    assert.match(JSON.stringify(await call('echo')), /\{\}/)
    assert.equal(visitor.asked.length, 3)
    await close()
  })
})
