// The official conformance suite against the embedded authorization server: its real pages, and a
// public client, one with a secret, one that pushes its requests, one whose tokens are bound to a key.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { makeKey } from '../../packages/server/test/auth/fake-issuer.ts'
import { makeFormBrowser } from '../../packages/server/test/auth/form-browser.ts'
import {
  openGuarded,
  proofMaker,
  type GuardedHouse,
} from '../../packages/server/test/auth/guarded-house.ts'
import { startBetween, type Between, type Changes } from './between.ts'
import { freePort, runSuite } from './suite.ts'

const REVISIONS = ['2025-11-25', '2026-07-28']
const PASSWORD = 'correct horse battery staple'
const SECRET = 'a-secret-of-many-characters'

interface Variant {
  readonly name: string
  readonly client: object
  readonly clientSecret?: string
  readonly isPushed?: boolean
  readonly changes: (issuer: string) => Promise<Changes>
}

const VARIANTS: readonly Variant[] = [
  { name: 'public', client: {}, changes: async () => ({}) },
  {
    name: 'confidential',
    client: { token_endpoint_auth_method: 'client_secret_post', client_secret: SECRET },
    clientSecret: SECRET,
    changes: async () => ({
      // The suite keeps its secret to itself wherever clients without one are served too.
      metadata: (told) => ({
        ...told,
        token_endpoint_auth_methods_supported: ['client_secret_post'],
      }),
    }),
  },
  {
    name: 'pushed',
    client: { require_pushed_authorization_requests: true },
    isPushed: true,
    changes: async () => ({}),
  },
  {
    name: 'bound',
    client: { dpop_bound_access_tokens: true },
    changes: async (issuer) => {
      const { prove } = proofMaker(await makeKey(), `${issuer}/token`)
      return { proving: async () => ({ dpop: await prove() }) }
    },
  },
]

let between: Between
let house: GuardedHouse
before(async () => {
  between = await startBetween()
  house = await openGuarded({ auth: { embedded: {} }, listen: { publicUrl: between.origin } })
  between.port = house.port
})
after(async () => {
  await house[Symbol.asyncDispose]()
  await between[Symbol.asyncDispose]()
})

/** Signs in and agrees, on the pages that are there. */
async function newPerson(name: string): Promise<(url: string) => Promise<void>> {
  const { link } = await house.house.admin.addUser({ name })
  const browser = makeFormBrowser(between.origin)
  const enrolled = await (await browser.open(link)).submit({ password: PASSWORD, repeat: PASSWORD })
  assert.ok(enrolled.status === 200 && !enrolled.html.includes('name="repeat"'), enrolled.text)
  browser.cookies.clear()
  return async (url) => {
    let page = await browser.open(url)
    for (let step = 0; step < 6 && page.status !== 0; step++) {
      assert.equal(page.status, 200, page.text)
      page = page.html.includes('name="password"')
        ? await page.submit({ name, password: PASSWORD })
        : await page.submit({}, 'allow')
    }
    assert.equal(page.status, 0, `stopped at ${page.url.href}: ${page.text}`)
    // Back at the suite, which listens there.
    await (await fetch(page.url)).text()
  }
}

/** What the suite asked for, pushed first (RFC 9126). */
async function pushed(url: string): Promise<string> {
  const { origin, pathname, searchParams } = new URL(url)
  const answer = await fetch(`${origin}/oauth/par`, { method: 'POST', body: searchParams })
  assert.equal(answer.status, 201)
  const { request_uri } = (await answer.json()) as { request_uri: string }
  const asked = { client_id: searchParams.get('client_id') ?? '', request_uri }
  return `${origin}${pathname}?${new URLSearchParams(asked).toString()}`
}

for (const { name, client, clientSecret, isPushed = false, changes } of VARIANTS) {
  for (const revision of REVISIONS) {
    test(`the authorization suite of ${revision} passes: ${name}`, async () => {
      const issuer = `${between.origin}/oauth`
      between.changes = await changes(issuer)
      const port = await freePort()
      const clientId = `suite-${name}-${revision}`
      await house.house.authorization?.clients.add(
        {
          client_id: clientId,
          client_name: 'The suite',
          redirect_uris: [`http://127.0.0.1:${String(port)}/callback`],
          token_endpoint_auth_method: 'none',
          application_type: 'native',
          ...client,
        },
        'admin',
      )
      const person = await newPerson(`${name}-${revision}`)
      // Of 2026-07-28 it is told what the token is for; before, it leaves that to the server.
      const resource = revision === REVISIONS[0] ? undefined : `${between.origin}/mcp`
      const { code, output } = await runSuite({
        url: issuer,
        revision,
        clientId,
        clientSecret,
        resource,
        port,
        browse: async (url) => person(isPushed ? await pushed(url) : url),
      })
      assert.equal(code, 0, output)
      // The metadata, that it takes documents of clients (AS6), and the grant (AS42).
      assert.match(output, /Total: 3 passed, 0 failed/, output)
      assert.doesNotMatch(output, /skipped|warning/i, output)
    })
  }
}
