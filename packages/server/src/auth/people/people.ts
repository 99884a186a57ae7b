import type { IncomingMessage, ServerResponse } from 'node:http'
import { foldNotes, type Ledger } from '#audit'
import type { Seal, World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import { addressOf } from '../address-of.ts'
import type { Protected } from '../embedded/protected.ts'
import type { SignInProvider } from '../embedded/settings.ts'
import type { Interactions, Pages as Served, People, ProblemPage } from '../embedded/signed-in.ts'
import { accountPage } from '../pages/account-page.ts'
import { cookieOf } from '../pages/cookies.ts'
import type { Pages } from '../pages/pages.ts'
import { PASSKEY_PATH, PASSKEY_SCRIPT } from '../pages/passkey-script.ts'
import { PageRefusal } from '../pages/refusal.ts'
import type { SafeFetch } from '../safe-fetch.ts'
import { makeAccounts } from './accounts.ts'
import { enrol, type EnrolRooms } from './enrol.ts'
import { ENROL_PATH, makeEnrolments } from './enrolments.ts'
import { interact } from './interactions.ts'
import { makePasskeys } from './passkeys.ts'
import { makePasswords } from './password.ts'
import type { SignIns } from './person.ts'
import { CALLBACK, makeProviderSignIn, type Statement } from './provider.ts'
import { makeSessions } from './sessions.ts'
import { ACCOUNT, comeBack, SIGN_IN, signIn } from './sign-in.ts'
import { signOut, SIGN_OUT_FORM } from './sign-out.ts'
import { makeThrottle } from './throttle.ts'

export interface PeopleRooms {
  readonly world: World
  readonly log: Log
  readonly ledger: Pick<Ledger, 'note'>
  readonly records: Records
  readonly seal: Seal
  readonly safeFetch: SafeFetch
  readonly pages: Pages
  readonly protectedOnes: Protected
  /** What a provider signed about a principal, for servers behind us that trust it too. */
  readonly onStatement?: (principal: string, statement: Statement) => Promise<void>
}

export interface PeopleSettings {
  /** The issuer of the embedded authorization server, where there is one: accounts are its subjects. */
  readonly issuer: string | undefined
  readonly provider: SignInProvider | undefined
}

/** Everything about people in front of browsers: who they are, and what they let clients do. */
export interface OpenPeople {
  readonly people: People
  /** What is about people, below the prefix of the authorization server. */
  readonly pages: Served
  readonly interactions: Interactions
  readonly problemPage: ProblemPage
}

/** Of each kind, in a minute: what strangers do at the door is no way to fill the ledger. */
const NOTES_MAX = 30

export function openPeople(rooms: PeopleRooms, settings: PeopleSettings): OpenPeople {
  const { world, records, pages, ledger } = rooms
  const { origin } = pages
  const accounts = makeAccounts(world, records)
  const sessions = makeSessions({ world, records, accounts, cookie: cookieOf(origin) })
  const enrolments = makeEnrolments(world, records)
  const notes = foldNotes(world, ledger, NOTES_MAX)
  const desks: EnrolRooms = {
    world,
    pages,
    accounts,
    sessions,
    enrolments,
    notes,
    passwords: makePasswords(world),
    throttle: makeThrottle(world, records),
    issuer: settings.issuer,
    passkeys: makePasskeys({ ...rooms, accounts }, origin),
    provider: settings.provider && makeProviderSignIn(rooms, settings.provider, origin),
    onStatement: rooms.onStatement,
    address: addressOf(origin),
  }
  const signIns: SignIns = {
    personOf: (request) => sessions.personOf(request),
    send: (response, path, wanted) => {
      const query = new URLSearchParams({ to: path })
      if (wanted) query.set('fresh', String(wanted.freshMs))
      pages.redirect(response, `${SIGN_IN}?${query.toString()}`)
    },
  }
  return {
    people: {
      ...signIns,
      isWelcome: async (subject) => (await accounts.get(subject))?.isDisabled === false,
    },
    pages: async (request, response) => {
      const found = deskAt(request)
      if (!found) return false
      await refusing(pages, response, () => found({ ...desks, request, response }))
      return true
    },
    interactions: (provider) => interact({ ...rooms, signIns, notes }, provider),
    problemPage: ({ error, description }) => {
      const { headers, body } = pages.refusalSheet(problemPage(error, description))
      return { headers, html: body }
    },
  }
}

type Desk = (
  visit: EnrolRooms & { readonly request: IncomingMessage; readonly response: ServerResponse },
) => Promise<void>

const PAGES: ReadonlyMap<string, Desk> = new Map<string, Desk>([
  [SIGN_IN, signIn],
  [CALLBACK, comeBack],
  [ACCOUNT, showAccount],
  [
    '/oauth/sign-out',
    ({ pages, sessions, request, response }) => signOut(pages, sessions, request, response),
  ],
  [PASSKEY_PATH, sendScript],
])

const METHODS = ['GET', 'HEAD', 'POST']

function deskAt(request: IncomingMessage): Desk | undefined {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const desk: Desk | undefined = path.startsWith(ENROL_PATH)
    ? (visit) => enrol({ ...visit, token: path.slice(ENROL_PATH.length) })
    : PAGES.get(path)
  if (!desk || METHODS.includes(request.method ?? '')) return desk
  return async () => {
    throw new PageRefusal(405, { title: 'Not so', words: 'Open this address in a browser.' })
  }
}

/** Whatever a page throws that is not for the person in front of it is for the front door. */
async function refusing(
  pages: Pages,
  response: ServerResponse,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    if (!(thrown instanceof PageRefusal)) throw thrown
    pages.refuse(response, thrown)
  }
}

const MEANS: Readonly<Record<string, string>> = {
  password: 'a password',
  passkey: 'a passkey',
  provider: 'your organisation’s sign-in',
}

async function showAccount({
  pages,
  sessions,
  request,
  response,
}: Parameters<Desk>[0]): Promise<void> {
  const person = await sessions.personOf(request)
  if (!person) {
    pages.redirect(response, SIGN_IN)
    return
  }
  const signOutField = pages.forms.field(request, response, SIGN_OUT_FORM)
  const means = MEANS[person.means] ?? person.means
  pages.send(response, 200, accountPage({ name: person.name, means, signOutField }))
}

const YEAR_S = 31_536_000

async function sendScript({ response }: Parameters<Desk>[0]): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/javascript; charset=utf-8',
    'content-length': Buffer.byteLength(PASSKEY_SCRIPT),
    'x-content-type-options': 'nosniff',
    'cache-control': `public, max-age=${String(YEAR_S)}, immutable`,
  })
  response.end(PASSKEY_SCRIPT)
}

/** What the authorization server calls a problem, for whoever sits in front of it. */
const problemPage = (error: string, description: string): PageRefusal =>
  error === 'server_error'
    ? new PageRefusal(500, {
        title: 'Something broke on our side',
        words: 'It was written down. Go back to the program that brought you here, and try again.',
      })
    : new PageRefusal(400, {
        title: 'This request cannot be answered',
        words: `The program that brought you here asked for something that is not possible. Nothing was done. It should be told: ${error}${description === '' ? '' : `, ${description}`}.`,
      })
