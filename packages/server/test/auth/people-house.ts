// A house with people: accounts, a browser without JavaScript, and a client that sends it here.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { makeFormBrowser, type FormBrowser, type Page } from './form-browser.ts'
import { openGuarded, type GuardedHouse, type GuardedPlan } from './guarded-house.ts'

export const PASSWORD = 'correct horse battery'
export const REDIRECT = 'https://notes.example/callback'

export interface PeopleHouse extends AsyncDisposable {
  readonly guarded: GuardedHouse
  readonly origin: string
  /** A browser nobody used yet. */
  readonly browser: () => FormBrowser
  /** Somebody with an account and this password; what they see last. */
  readonly enrol: (name: string, browser?: FormBrowser) => Promise<Page>
  readonly signIn: (name: string, browser: FormBrowser, password?: string) => Promise<Page>
  /** Where a client sends the browser. */
  readonly authorize: (asked: Readonly<Record<string, string>>) => string
  /** The scopes of the token for what came back at the client. */
  readonly scopesFor: (back: URL) => Promise<readonly string[]>
  /** What the token endpoint answers to these parameters. */
  readonly redeem: (sent: Readonly<Record<string, string>>) => Promise<Redeemed>
  readonly codeIn: (back: URL) => Readonly<Record<string, string>>
  readonly kinds: () => Promise<readonly string[]>
}

export interface Redeemed {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

export const CLIENT = {
  client_id: 'notebook',
  client_name: 'Notebook Agent',
  redirect_uris: [REDIRECT],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none' as const,
}

export async function openPeopleHouse(plan: Partial<GuardedPlan> = {}): Promise<PeopleHouse> {
  const { auth = {}, ...rest } = plan
  const guarded = await openGuarded({ auth: { embedded: {}, ...auth }, ...rest })
  const origin = `http://127.0.0.1:${String(guarded.port)}`
  const { people, authorization, ledger } = guarded.house
  await authorization?.clients.add(CLIENT, 'admin')
  const verifier = randomBytes(32).toString('base64url')
  const browser = (): FormBrowser => makeFormBrowser(origin)
  const signIn: PeopleHouse['signIn'] = async (name, inside, password = PASSWORD) => {
    const page = await inside.open(`${origin}/oauth/sign-in`)
    return page.submit({ name, password })
  }
  const codeIn: PeopleHouse['codeIn'] = (back) => ({
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: REDIRECT,
    code_verifier: verifier,
  })
  const redeem: PeopleHouse['redeem'] = async (sent) => {
    const common = { client_id: CLIENT.client_id, resource: `${origin}/mcp` }
    const body = new URLSearchParams({ ...common, ...sent })
    const response = await fetch(`${origin}/oauth/token`, { method: 'POST', body })
    const json = (await response.json()) as Redeemed['json']
    return { status: response.status, json }
  }
  return {
    guarded,
    origin,
    browser,
    signIn,
    enrol: async (name, inside = browser()) => {
      const { link } = await people.users.add(name)
      const page = await inside.open(link)
      return page.submit({ password: PASSWORD, repeat: PASSWORD })
    },
    authorize: (asked) => {
      const query = new URLSearchParams({
        client_id: CLIENT.client_id,
        redirect_uri: REDIRECT,
        response_type: 'code',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        resource: `${origin}/mcp`,
        state: 'the state',
        ...asked,
      })
      return `${origin}/oauth/authorize?${query.toString()}`
    },
    redeem,
    codeIn,
    scopesFor: async (back) => {
      const said = await redeem(codeIn(back))
      assert.equal(said.status, 200, JSON.stringify(said.json))
      const [, claims = ''] = String(said.json['access_token']).split('.')
      return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')).scope.split(' ')
    },
    kinds: async () => (await ledger.read({ last: 1_000 })).map(({ kind }) => kind),
    [Symbol.asyncDispose]: () => guarded[Symbol.asyncDispose](),
  }
}
