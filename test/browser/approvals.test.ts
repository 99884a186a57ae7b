// Deciding in a real browser, with accounts of the embedded authorization server.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { systemWorld } from '../../packages/server/src/base/index.ts'
import { bearer, openGuarded } from '../../packages/server/test/auth/guarded-house.ts'
import { ask, modern } from '../../packages/server/test/stories/raw.ts'
import { complaintsOf, hurdlesOf, launch, NO_BROWSER } from './chromium.ts'
import { openBrowserHouse } from './house.ts'

const PASSWORD = 'correct horse battery'
const options = { skip: NO_BROWSER ?? false, timeout: 120_000 }
const POLICY = `@id("everything") permit(principal, action, resource);
@id("echo-asks") @ask("sre") @message("Mind the echo")
forbid(principal, action == Action::"call", resource == Tool::"peer/echo");
@id("seen-asks") @ask("sre")
forbid(principal, action == Action::"call", resource == Tool::"peer/seen");`

let browser: Browser | undefined
let folder = ''
before(async () => {
  if (NO_BROWSER === undefined) browser = await launch()
  folder = mkdtempSync(join(tmpdir(), 'countersign-browser-'))
})
after(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Somebody with a browser of their own. */
async function visitor(): Promise<{ readonly page: Page; readonly context: BrowserContext }> {
  const context = await browser!.newContext()
  context.setDefaultTimeout(5_000)
  return { context, page: await context.newPage() }
}

async function enrol(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.getByLabel('New password').fill(PASSWORD)
  await page.getByLabel('The same again').fill(PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

test(
  'people decide in a browser: a yes, a no, more of the same, and a passkey',
  options,
  async () => {
    const data = join(folder, 'data')
    const policies = join(folder, 'a.cedar')
    writeFileSync(policies, POLICY)
    let shiftMs = 0
    const world = { ...systemWorld, now: () => systemWorld.now() + shiftMs }
    // Who is in which group is configured by ids, so the accounts are there first.
    const first = await openGuarded({ auth: { embedded: {} }, listen: { host: 'localhost' }, data })
    const { port } = first
    const [ada, grace] = [
      await first.house.people.users.add('ada'),
      await first.house.people.users.add('grace'),
    ]
    const ids = (await first.house.admin.listUsers({})).map(
      ({ id }) => `http://localhost:${String(port)}/oauth#${encodeURIComponent(id)}`,
    )
    await first[Symbol.asyncDispose]()
    const policy = {
      folder,
      groups: { sre: ids },
      approvals: { grants: {}, passkeyFor: ['write'] },
    }
    await using house = await openBrowserHouse({}, {}, { data, port, policy, world })
    const { admin } = house.guarded.house
    const [agent, sre] = [await visitor(), await visitor()]
    const complaints = [complaintsOf(agent.page), complaintsOf(sre.page)]
    await enrol(agent.page, ada.link)
    await enrol(sre.page, grace.link)

    // Ada lets an agent in, which calls for her.
    await admin.listTools({ view: '' })
    await agent.page.goto(house.client.begin({ scope: 'mcp:discover peer:read peer:write' }))
    await agent.page.getByRole('button', { name: 'Allow' }).click()
    await agent.page.getByRole('heading', { name: 'Back at the client' }).waitFor()
    const token = await house.client.token()
    const call = async (name: string, args: object): Promise<string> => {
      const asked = modern('tools/call', {
        params: { name, arguments: args },
        headers: bearer(token),
      })
      const { json, text } = await ask(new URL(`${house.origin}/mcp`), asked)
      assert.ok(json?.result?.content, text)
      return String(json.result.content[0].text)
    }
    const pageIn = (said: string): string => /They decide at: (\S+)/.exec(said)?.[1] ?? ''

    // PO-046: a fresh sign-in, exactly what will happen, and a yes.
    const url = pageIn(await call('peer_echo', { text: 'one' }))
    assert.match(url, /\/approvals\/ap_/)
    await sre.page.goto(url)
    await sre.page.getByRole('heading', { name: 'Shall this be done?' }).waitFor()
    await sre.page.getByText('Mind the echo').waitFor()
    assert.deepEqual(await hurdlesOf(sre.page), [])
    await sre.page.getByRole('button', { name: 'Approve exactly this' }).click()
    await sre.page.getByRole('heading', { name: /This is (approved|used)/ }).waitFor()

    // GV2: who asks sees it, and has nothing to decide.
    const own = pageIn(await call('peer_echo', { text: 'own' }))
    await agent.page.goto(own)
    await agent.page.getByText('There is nothing to decide here.').waitFor()
    assert.equal(await agent.page.getByRole('button', { name: 'Approve exactly this' }).count(), 0)

    // A no, with its reason; without one nothing is decided.
    await sre.page.goto(own)
    await sre.page.getByRole('button', { name: 'Deny' }).click()
    await sre.page.getByRole('heading', { name: 'Say why' }).waitFor()
    await sre.page.goto(own)
    await sre.page.getByLabel(/Reason, which a no needs/).fill('not now')
    await sre.page.getByRole('button', { name: 'Deny' }).click()
    await sre.page.getByRole('heading', { name: 'This is denied' }).waitFor()

    // Whoever proved long ago who they are does it again.
    const third = pageIn(await call('peer_echo', { text: 'granted' }))
    const fourth = pageIn(await call('peer_seen', {}))
    shiftMs += 6 * 60_000
    await sre.page.goto(third)
    await sre.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn(sre.page, 'grace')
    await sre.page.getByRole('heading', { name: 'Shall this be done?' }).waitFor()
    // And allows as many more of the same.
    await sre.page.getByLabel(/How often, if the same/).fill('2')
    await sre.page.getByRole('button', { name: /allow the same from now on/ }).click()
    await sre.page.getByRole('heading', { name: /This is (approved|used)/ }).waitFor()
    const [grant] = await admin.listGrants({})
    assert.deepEqual([grant?.state, grant?.uses, grant?.isExact], ['active', 2, true])

    // What wants a passkey is decided with one, and with nothing else.
    await sre.page.goto(fourth)
    await sre.page.getByRole('link', { name: 'Sign in with a passkey' }).click()
    await sre.page.getByRole('heading', { name: 'Sign in' }).waitFor()
    const key = await visitor()
    complaints.push(complaintsOf(key.page))
    const devtools = await key.context.newCDPSession(key.page)
    await devtools.send('WebAuthn.enable')
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    const { link } = await house.guarded.house.people.users.link('grace')
    await key.page.goto(link)
    await key.page.getByRole('button', { name: 'Create a passkey instead' }).click()
    await key.page.getByText('As grace, with a passkey').waitFor()
    await key.page.goto(fourth)
    await key.page.getByRole('button', { name: 'Approve exactly this' }).click()
    await key.page.getByRole('heading', { name: /This is (approved|used)/ }).waitFor()

    // The no without a reason, which was answered as one that says so.
    const others = complaints.flat().filter((one) => !one.includes('status of 400'))
    assert.deepEqual(others, [])
    for (const { context } of [agent, sre, key]) await context.close()
  },
)
