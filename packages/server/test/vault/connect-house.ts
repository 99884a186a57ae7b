// The whole house in front of protected servers, and people with browsers who connect them.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SignIns } from '#auth'
import { systemWorld } from '#base'
import { parseConfig } from '#config'
import { silentLog } from '#telemetry'
import { openHouse, type House } from '../../src/server.ts'
import type { FakeIssuer } from '../auth/fake-issuer.ts'
import { makeFormBrowser, type FormBrowser, type Page } from '../auth/form-browser.ts'
import type { Authority } from './fake-authority.ts'

type Loose = Readonly<Record<string, unknown>>

export interface ConnectPlan {
  readonly servers: Readonly<Record<string, Loose>>
  /** Callers show tokens of this issuer; without one whoever can connect is let in. */
  readonly issuer?: FakeIssuer
  readonly data?: string
  readonly tasks?: Loose
}

export interface ConnectHouse extends AsyncDisposable {
  readonly house: House
  readonly origin: string
  readonly at: (view?: string) => URL
  /** A browser in front of which this person sits. */
  readonly browserOf: (subject?: string) => FormBrowser
}

export async function openConnectHouse(plan: ConnectPlan): Promise<ConnectHouse> {
  const { servers, issuer, tasks = {} } = plan
  const folder = plan.data ?? mkdtempSync(join(tmpdir(), 'countersign-connect-'))
  const auth = issuer && { issuers: [{ issuer: issuer.issuer }] }
  const written = { listen: { port: 0 }, data: folder, servers, tasks, ...(auth ? { auth } : {}) }
  const path = join(folder, 'countersign.json')
  const config = parseConfig({ world: systemWorld, text: JSON.stringify(written), path })
  const house = await openHouse(config, {
    world: systemWorld,
    log: silentLog,
    ...(issuer ? { signIns: byCookie(issuer.issuer) } : {}),
  })
  const alive = setInterval(() => undefined, 60_000)
  const { port } = await house.listen()
  const origin = `http://127.0.0.1:${port}`
  return {
    house,
    origin,
    at: (view = '') => new URL(`${origin}/mcp${view === '' ? '' : `/${view}`}`),
    browserOf: (subject) => {
      const browser = makeFormBrowser(origin)
      if (subject !== undefined) browser.cookies.set('somebody', subject)
      return browser
    },
    async [Symbol.asyncDispose]() {
      try {
        await house[Symbol.asyncDispose]()
      } finally {
        clearInterval(alive)
        if (plan.data === undefined) rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

/** People who say who they are, which is proof enough in a story that is not about signing in. */
const byCookie = (issuer: string): SignIns => ({
  personOf: async ({ headers }) => {
    const subject = /(?:^|; )somebody=(\w+)/.exec(headers.cookie ?? '')?.[1]
    if (subject === undefined) return undefined
    const principal = `${issuer}#${subject}`
    return { principal, name: subject, means: 'password', provedAt: Date.now() }
  },
  send: (response, path) => {
    response.writeHead(303, { location: `/sign-in-of-the-story?then=${encodeURIComponent(path)}` })
    response.end()
  },
})

/** A server that each connects for themselves, and whose administrator knows us. */
export const personal = (url: string, more: Loose = {}): Loose => ({
  url,
  auth: { clientId: 'gateway' },
  ...more,
})

/** Opens the page, agrees there and at the account server, and comes back. */
export async function agree(
  browser: FormBrowser,
  authority: Authority,
  url: string,
): Promise<Page> {
  const onward = await goOn(browser, url)
  return comeBack(browser, url, await authority.consent(onward))
}

/** Opens the page and agrees there; resolves with where the browser is sent. */
export async function goOn(browser: FormBrowser, url: string): Promise<string> {
  const asked = await browser.open(url)
  assert.equal(asked.status, 200, asked.text)
  const onward = await asked.submit()
  assert.notEqual(onward.url.origin, new URL(url).origin, onward.text)
  return onward.url.href
}

export const comeBack = (
  browser: FormBrowser,
  url: string,
  answer: URLSearchParams,
): Promise<Page> => browser.open(new URL(`/connect/callback?${String(answer)}`, url))
