import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { blockedIn, complaintsOf, hurdlesOf, launch, NO_BROWSER } from './chromium.ts'
import { openBrowserHouse, type BrowserHouse } from './house.ts'

const PASSWORD = 'correct horse battery'
const options = { skip: NO_BROWSER ?? false, timeout: 120_000 }

let browser: Browser | undefined
before(async () => {
  if (NO_BROWSER === undefined) browser = await launch()
})
after(() => browser?.close())

const newContext = (settings: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> =>
  browser!.newContext(settings)

/** Somebody with an account, signed in in this page. */
async function enrol(house: BrowserHouse, page: Page, name = 'ada'): Promise<void> {
  const { link } = await house.guarded.house.people.users.add(name)
  await page.goto(link)
  await page.getByLabel('New password').fill(PASSWORD)
  await page.getByLabel('The same again').fill(PASSWORD)
  await page.getByRole('button', { name: 'Set password' }).click()
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
}

async function signIn(page: Page, name = 'ada'): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

const back = (page: Page): Promise<void> =>
  page.getByRole('heading', { name: 'Back at the client' }).waitFor()

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'in a browser' : 'in a browser without JavaScript'
  test(`${how} somebody enrols, signs in, consents, steps up and denies`, options, async () => {
    await using house = await openBrowserHouse()
    await house.guarded.house.admin.listTools({ view: '' })
    const context = await newContext({ javaScriptEnabled })
    const page = await context.newPage()
    const complaints = complaintsOf(page)
    const first = await house.guarded.house.people.users.firstLink()
    await page.goto(first!.link)
    await page.getByLabel('Your name here').fill('ada')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel('New password').fill(PASSWORD)
    await page.getByLabel('The same again').fill(PASSWORD)
    assert.equal(await page.getByRole('button', { name: /passkey/ }).count(), +javaScriptEnabled)
    await page.getByRole('button', { name: 'Set password' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()

    await page.goto(house.client.begin({ scope: 'mcp:discover peer:read peer:write' }))
    await signIn(page)
    await page.getByRole('heading', { name: 'Let Notebook Agent in?' }).waitFor()
    assert.equal(await page.getByRole('checkbox').count(), 3)
    await page.getByLabel('Read and change with peer').uncheck()
    await page.getByRole('button', { name: 'Allow' }).click()
    await back(page)
    assert.deepEqual(await house.client.scopes(), ['mcp:discover', 'peer:read'])

    await page.goto(house.client.begin({ scope: 'mcp:discover peer:read peer:write' }))
    await page.getByRole('heading', { name: 'Let Notebook Agent do more?' }).waitFor()
    assert.equal(await page.getByRole('checkbox').count(), 0)
    await page.getByText('It may already: See what there is · Read with peer.').waitFor()
    await page.getByRole('button', { name: 'Allow' }).click()
    await back(page)
    assert.deepEqual(await house.client.scopes(), ['mcp:discover', 'peer:read', 'peer:write'])

    await page.goto(house.client.begin({ scope: 'peer:admin' }))
    await page.getByRole('button', { name: 'Deny' }).click()
    await back(page)
    assert.equal(house.client.answer().get('error'), 'access_denied')
    assert.deepEqual(complaints, [])
    await context.close()
  })
}

test('with a passkey somebody enrols and signs in, and types nothing', options, async () => {
  await using house = await openBrowserHouse()
  const context = await newContext()
  const page = await context.newPage()
  const complaints = complaintsOf(page)
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  const { link } = await house.guarded.house.people.users.add('ada')
  await page.goto(link)
  await page.getByRole('button', { name: 'Create a passkey instead' }).click()
  await page.getByText('As ada, with a passkey').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()

  await page.goto(house.client.begin({ scope: 'mcp:discover' }))
  const sent = page.waitForRequest((request) => request.method() === 'POST')
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.getByRole('heading', { name: 'Let Notebook Agent in?' }).waitFor()
  await page.getByRole('button', { name: 'Allow' }).click()
  await back(page)
  assert.deepEqual(await house.client.scopes(), ['mcp:discover'])
  const [user] = await house.guarded.house.people.users.list()
  assert.deepEqual([user?.passkeys, user?.hasPassword], [1, false])

  // What was sent once signs nobody in a second time.
  const again = await context.request.post(`${house.origin}/oauth/sign-in`, {
    headers: {
      origin: house.origin,
      'content-type': 'application/x-www-form-urlencoded',
    },
    data: (await sent).postData() ?? '',
  })
  assert.match(await again.text(), /That passkey is not known here/)

  // A device that does not know its owner signs nobody in, and says so where it was asked.
  await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await page.goto(`${house.origin}/oauth/sign-in?fresh=0`)
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.getByText('No passkey was used').waitFor()
  assert.deepEqual(complaints, [])
  await context.close()
})

test('another person in the same browser is asked anew, by "Not you?"', options, async () => {
  await using house = await openBrowserHouse()
  const context = await newContext()
  const page = await context.newPage()
  await enrol(house, await (await newContext()).newPage(), 'grace')
  await enrol(house, page)
  await page.goto(house.client.begin({ scope: 'mcp:discover' }))
  await page.getByRole('button', { name: 'Allow' }).click()
  await back(page)
  await page.goto(house.client.begin({ scope: 'mcp:discover peer:read' }))
  await page.getByRole('button', { name: 'Not you?' }).click()
  await signIn(page, 'grace')
  await page.getByRole('heading', { name: 'Let Notebook Agent in?' }).waitFor()
  await page.getByText('Signed in as grace').waitFor()
  await page.getByRole('button', { name: 'Allow' }).click()
  await back(page)
  assert.deepEqual(await house.client.scopes(), ['mcp:discover', 'peer:read'])
  await context.close()
})

test('a page can be used by keyboard alone', options, async () => {
  await using house = await openBrowserHouse()
  const context = await newContext()
  const page = await context.newPage()
  await enrol(house, page)
  await page.getByRole('button', { name: 'Sign out' }).press('Enter')
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  // The first field has the focus already.
  await page.keyboard.type('ada')
  await page.keyboard.press('Tab')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
  await context.close()
})

test(
  'no page frames, no page runs a script of others, and no form leads elsewhere',
  options,
  async () => {
    await using house = await openBrowserHouse()
    const context = await newContext()
    const page = await context.newPage()
    await page.goto(`${house.origin}/oauth/sign-in`)
    const blocked = await blockedIn(page)
    assert.deepEqual(
      new Set(blocked),
      new Set(['form-action', 'frame-src', 'img-src', 'script-src-elem']),
    )
    await context.close()
  },
)

const SCREENS = [
  { colorScheme: 'light', viewport: { width: 1_000, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 320, height: 640 } },
] as const

for (const screen of SCREENS) {
  const { width } = screen.viewport
  test(
    `nobody stumbles: ${screen.colorScheme}, ${String(width)} pixels wide`,
    options,
    async () => {
      await using house = await openBrowserHouse()
      await house.guarded.house.admin.listTools({ view: '' })
      const context = await newContext(screen)
      const page = await context.newPage()
      const looks = async (): Promise<void> => {
        assert.deepEqual(await hurdlesOf(page), [], page.url())
      }
      const { users } = house.guarded.house.people
      await page.goto((await users.firstLink())!.link)
      await looks()
      await page.getByLabel('Your name here').fill('!')
      await page.getByRole('button', { name: 'Next' }).click()
      await page.getByRole('alert').waitFor()
      await looks()
      await page.goto((await users.add('ada')).link)
      await looks()
      await page.getByLabel('New password').fill('short')
      await page.getByLabel('The same again').fill('short')
      await page.getByRole('button', { name: 'Set password' }).click()
      await page.getByRole('alert').waitFor()
      await looks()
      await enrol(house, page, 'grace')
      await looks()
      await page.goto(house.client.begin({ scope: 'mcp:discover peer:read peer:admin' }))
      await page.getByRole('heading', { name: 'Let Notebook Agent in?' }).waitFor()
      await looks()
      await page.getByRole('button', { name: 'Allow' }).click()
      await back(page)
      await page.goto(`${house.origin}/oauth/sign-out`)
      await looks()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      await looks()
      await page.getByLabel('Name').fill('ada')
      await page.getByLabel('Password').fill('wrong')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('alert').waitFor()
      await looks()
      await page.goto(`${house.origin}/oauth/interaction/over`)
      await looks()
      await context.close()
    },
  )
}
