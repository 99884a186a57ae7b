import { createHash } from 'node:crypto'
import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import type { Configuration, FetchBody } from 'openid-client'
import { Secret, type Seal, type World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import type { SignInProvider } from '../embedded/settings.ts'
import { PageRefusal } from '../pages/refusal.ts'
import type { SafeFetch } from '../safe-fetch.ts'
import type { Link } from './account.ts'

/** Signing in through an OpenID provider, of which we are an ordinary client (AS22 to AS25). */
export interface ProviderSignIn {
  readonly name: string
  /** Where to send the browser, once the person chose to go; what comes back is bound to it. */
  readonly begin: (asked: Asked) => Promise<string>
  /** Who came back, and where they wanted to go. */
  readonly finish: (url: string, browser: string | undefined) => Promise<Returned>
}

interface Asked {
  readonly browser: string
  /** Where to go afterwards, on our origin. */
  readonly to: string
  /** An older sign-in is not enough. */
  readonly isFresh: boolean
}

interface Returned {
  readonly link: Link
  readonly name: string
  readonly provedAt: number
  readonly to: string
  /** Their signed statement, for servers behind us that trust the provider. */
  readonly statement: Statement
}

export interface Statement {
  readonly idToken: Secret
  /** Milliseconds since the epoch. */
  readonly until: number
}

interface Rooms {
  readonly world: World
  readonly seal: Seal
  readonly records: Records
  readonly log: Log
  readonly safeFetch: SafeFetch
}

export const CALLBACK = '/oauth/sign-in/callback'

const KIND = 'SignInState'
const VALID_MS = 10 * 60_000
const RANDOM_BYTES = 32
/** Its metadata may change; it is read again after this long. */
const METADATA_MS = 3_600_000
const NAME_CHARS_MAX = 64
const SUBJECT_CHARS_MAX = 255
const SKEW_MS = 60_000

export function makeProviderSignIn(
  rooms: Rooms,
  settings: SignInProvider,
  origin: string,
): ProviderSignIn {
  const { world } = rooms
  const redirectUri = `${origin}${CALLBACK}`
  const states = makeStates(rooms)
  const random = (): string => world.random(RANDOM_BYTES).toString('base64url')
  const configuration = remembered(world, () => configure(rooms, settings))
  return {
    name: settings.name,
    begin: async ({ browser, to, isFresh }) => {
      const oidc = await library()
      const config = await reached(rooms, configuration())
      const [state, nonce, verifier] = [random(), random(), random()]
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: [...new Set(['openid', ...settings.scopes])].join(' '),
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(isFresh ? { prompt: 'login', max_age: '0' } : {}),
      })
      await states.keep(state, { browser, to, nonce, verifier, isFresh, at: world.now() })
      return url.href
    },
    finish: async (url, browser) => {
      const { searchParams } = new URL(url, origin)
      const kept = await states.take(searchParams.get('state') ?? '', browser)
      const config = await reached(rooms, configuration())
      const { claims, statement } = await identify(rooms, config, new URL(url, origin), kept)
      checkDomain(settings, claims)
      const provedAt = provedAtIn(world, claims, kept)
      const subject = textAt(claims, 'sub')
      if (subject === '' || subject.length > SUBJECT_CHARS_MAX) throw notSignedIn()
      return {
        link: { issuer: settings.issuer, subject },
        name: nameIn(claims) ?? subject.slice(0, NAME_CHARS_MAX),
        provedAt,
        to: kept.to,
        statement,
      }
    },
  }
}

/** Only those who sign in this way wait for it, and only the first of them. */
const library = () => import('openid-client')

interface Kept {
  readonly browser: string
  readonly to: string
  readonly nonce: string
  readonly verifier: string
  readonly isFresh: boolean
  readonly at: number
  readonly state: string
}

interface States {
  readonly keep: (state: string, kept: Omit<Kept, 'state'>) => Promise<void>
  readonly take: (state: string, browser: string | undefined) => Promise<Kept>
}

const idOf = (state: string): string => createHash('sha256').update(state).digest('base64url')

/** AS25: random, kept only now that the person chose to go, for one use, for this browser. */
function makeStates({ world, seal, records }: Rooms): States {
  return {
    keep: async (state, kept) => {
      const sealed = seal.seal(KIND, JSON.stringify(kept))
      await records.put(KIND, idOf(state), { sealed }, { until: world.now() + VALID_MS })
    },
    take: async (state, browser) => {
      const saved = await records.get(KIND, idOf(state))
      const opened = saved && seal.open(KIND, textAt(saved.value, 'sealed'))
      const content: unknown = opened === undefined ? undefined : JSON.parse(opened)
      if (!isObject(content) || browser === undefined || own(content, 'browser') !== browser) {
        throw notBegunHere()
      }
      if (!(await records.use(KIND, idOf(state)))) throw notBegunHere()
      return {
        browser,
        to: textAt(content, 'to'),
        nonce: textAt(content, 'nonce'),
        verifier: textAt(content, 'verifier'),
        isFresh: own(content, 'isFresh') === true,
        at: Number(own(content, 'at')),
        state,
      }
    },
  }
}

async function configure(
  { safeFetch }: Rooms,
  { issuer, clientId, clientSecret, reach }: SignInProvider,
): Promise<Configuration> {
  const oidc = await library()
  const authentication =
    clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret.reveal())
  return oidc.discovery(new URL(issuer), clientId, {}, authentication, {
    // SS1: its metadata names further URLs, so each goes through the guarded way.
    [oidc.customFetch]: async (url, { method, headers, body }) => {
      const { status, text, json } = await safeFetch.ask({
        url,
        reach,
        method: method === 'POST' ? 'POST' : 'GET',
        headers,
        ...(body === undefined || body === null ? {} : { body: bodyText(body) }),
      })
      const type = json === undefined ? 'text/plain' : 'application/json'
      return new Response(text, { status, headers: { 'content-type': type } })
    },
    execute: [
      oidc.enableNonRepudiationChecks,
      // http is for a provider on this machine alone, which the configuration has checked.
      ...(issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []),
    ],
  })
}

function bodyText(body: FetchBody): string {
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString()
  throw new TypeError('a body that is no text')
}

/** Read at the first use, and again when it is old or could not be read. */
function remembered<Value>(world: World, read: () => Promise<Value>): () => Promise<Value> {
  let known: { readonly value: Promise<Value>; readonly at: number } | undefined
  return () => {
    if (known && world.monotonic() - known.at < METADATA_MS) return known.value
    const value = read()
    const asked = { value, at: world.monotonic() }
    known = asked
    value.catch(() => {
      if (known === asked) known = undefined
    })
    return value
  }
}

async function reached(
  { log }: Rooms,
  configuration: Promise<Configuration>,
): Promise<Configuration> {
  try {
    return await configuration
  } catch (cause) {
    log.warn({ cause: wordsOf(cause) }, 'the provider for signing in cannot be reached')
    throw new PageRefusal(
      502,
      {
        title: 'Signing in is not possible now',
        words: 'The service that knows you does not answer as it should. Try again in a minute.',
      },
      { cause },
    )
  }
}

/** The claims of a signed, current ID token for us, or of the provider's word about the same person. */
async function identify(
  { log }: Rooms,
  config: Configuration,
  url: URL,
  kept: Kept,
): Promise<{ readonly claims: JsonObject; readonly statement: Statement }> {
  const oidc = await library()
  try {
    const tokens = await oidc.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: kept.verifier,
      expectedNonce: kept.nonce,
      expectedState: kept.state,
      idTokenExpected: true,
    })
    const claims = tokens.claims()
    if (!claims) throw new TypeError('no ID token')
    const statement = { idToken: new Secret(tokens.id_token ?? ''), until: claims.exp * 1_000 }
    const said: JsonObject = JSON.parse(JSON.stringify(claims))
    if (typeof own(said, 'email') === 'string' || !config.serverMetadata().userinfo_endpoint) {
      return { claims: said, statement }
    }
    const more = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
    return { claims: { ...JSON.parse(JSON.stringify(more)), ...said }, statement }
  } catch (cause) {
    // OC26: what stands in the answer may be anybody's text; it is for our log, not for the page.
    log.warn({ cause: wordsOf(cause) }, 'somebody came back from the provider without a sign-in')
    throw notSignedIn(cause)
  }
}

const wordsOf = (cause: unknown): string =>
  cause instanceof Error ? `${cause.name}: ${cause.message}` : 'unknown'

const notSignedIn = (cause?: unknown): PageRefusal =>
  new PageRefusal(
    403,
    {
      title: 'You are not signed in',
      words: 'The other service did not say who you are. Try again.',
    },
    { cause },
  )

const notBegunHere = (): PageRefusal =>
  new PageRefusal(400, {
    title: 'This sign-in was not begun here',
    words:
      'It was begun in another browser, more than ten minutes ago, or is done already. Begin again.',
  })

/** Only an address that the provider has verified says anything. */
function checkDomain({ domains, name }: SignInProvider, claims: JsonObject): void {
  if (domains.length === 0) return
  const email = own(claims, 'email')
  const isVerified = own(claims, 'email_verified') === true
  const domain = typeof email === 'string' ? email.split('@').at(-1)?.toLowerCase() : undefined
  const isListed = domains.some((one) => one.toLowerCase() === domain)
  if (isVerified && isListed) return
  throw new PageRefusal(403, {
    title: 'This account is not let in',
    words: `${name} says who you are, but people of your organisation are not let in here. Ask whoever runs this Countersign.`,
  })
}

function provedAtIn(world: World, claims: JsonObject, { isFresh, at }: Kept): number {
  const authTime = own(claims, 'auth_time')
  const provedAt = typeof authTime === 'number' ? authTime * 1_000 : undefined
  if (!isFresh) return Math.min(provedAt ?? world.now(), world.now())
  // Asked to prove it anew, a provider says when it did; what does not say so did not.
  if (provedAt !== undefined && provedAt >= at - SKEW_MS) return Math.max(provedAt, at)
  throw new PageRefusal(403, {
    title: 'Sign in anew, please',
    words: 'This step needs a sign-in of this moment, and the other service did not ask you again.',
  })
}

function nameIn(claims: JsonObject): string | undefined {
  const said = ['preferred_username', 'email', 'name'].map((key) => own(claims, key))
  const name = said.find((one) => typeof one === 'string' && one.trim() !== '')
  if (typeof name !== 'string') return undefined
  return name.trim().normalize('NFKC').replaceAll(/\p{C}/gu, '').slice(0, NAME_CHARS_MAX)
}
