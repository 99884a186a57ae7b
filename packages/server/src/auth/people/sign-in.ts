import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FoldedNotes } from '#audit'
import type { World } from '#base'
import { principalId } from '../principal.ts'
import type { Form } from '../pages/forms.ts'
import type { Pages } from '../pages/pages.ts'
import { PageRefusal } from '../pages/refusal.ts'
import { signInPage } from '../pages/sign-in-page.ts'
import { aliasOf, type Account } from './account.ts'
import type { Accounts } from './accounts.ts'
import type { Passkeys } from './passkeys.ts'
import type { Passwords } from './password.ts'
import type { Person } from './person.ts'
import type { ProviderSignIn, Statement } from './provider.ts'
import type { Sessions } from './sessions.ts'
import type { Throttle } from './throttle.ts'
import { pathOnOrigin } from './way-back.ts'

export interface SignInRooms {
  readonly world: World
  readonly pages: Pages
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly passwords: Passwords
  readonly throttle: Throttle
  readonly notes: FoldedNotes
  /** The embedded authorization server; undefined where others issue the tokens. */
  readonly issuer: string | undefined
  readonly passkeys: Passkeys | undefined
  readonly provider: ProviderSignIn | undefined
  /** What a provider signed about a principal, for servers behind us that trust it too. */
  readonly onStatement: ((principal: string, statement: Statement) => Promise<void>) | undefined
  /** Who asks, as far as the connection says. */
  readonly address: (request: IncomingMessage) => string
}

interface Visit extends SignInRooms {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

const FORM = 'sign-in'
export const SIGN_IN = '/oauth/sign-in'
export const ACCOUNT = '/oauth/account'
/** Wrong passwords, for one account and from one address, until some of a quarter of an hour is over. */
const TRIES = { account: 10, address: 60 } as const

const WRONG = 'That name and password do not belong together.'
const TOO_OFTEN = 'That was tried too often. Wait a quarter of an hour, or use a passkey.'

export async function signIn(visit: Visit): Promise<void> {
  const { request, pages } = visit
  if (request.method === 'POST') return take(visit, await pages.forms.read(request, FORM))
  const { searchParams } = new URL(request.url ?? '/', pages.origin)
  const to = pathOnOrigin(searchParams.get('to'), pages.origin) ?? ACCOUNT
  const fresh = searchParams.get('fresh')
  const person = await visit.sessions.personOf(request)
  const ageMs = person === undefined ? Infinity : visit.world.now() - person.provedAt
  if (ageMs < (fresh === null ? Infinity : Number(fresh))) {
    pages.redirect(visit.response, to)
    return
  }
  const isAgain = fresh !== null && person !== undefined
  await show(visit, { to, isAgain, name: isAgain ? person.name : '' })
}

interface Shown {
  readonly to: string
  readonly isAgain: boolean
  readonly name: string
  readonly problem?: string
}

async function show(visit: Visit, shown: Shown): Promise<void> {
  const { request, response, pages, issuer, passkeys, provider } = visit
  const hasPasswords = issuer !== undefined
  const page = signInPage({
    problem: undefined,
    ...shown,
    hasPasswords,
    field: pages.forms.field(request, response, FORM),
    passkey: hasPasswords ? await passkeys?.offerToSignIn() : undefined,
    provider: provider?.name,
  })
  // Password managers take any other status for a page that failed.
  pages.send(response, 200, page)
}

async function take(visit: Visit, form: Form): Promise<void> {
  const { pages, provider, request, response, issuer } = visit
  const to = pathOnOrigin(form.text('to'), pages.origin) ?? ACCOUNT
  const isAgain = form.text('again') !== ''
  if (form.text('how') === 'provider' && provider) {
    const browser = pages.forms.browser(request) ?? ''
    const url = await provider.begin({ browser, to, isFresh: isAgain })
    pages.sendOnward(response, url, { title: `Going to ${provider.name}` })
    return
  }
  if (issuer === undefined) throw nothingHere()
  const passkey = form.text('passkey')
  if (passkey !== '') await byPasskey(visit, { form, to, isAgain }, passkey)
  else await byPassword(visit, { form, to, isAgain })
}

const nothingHere = (): PageRefusal =>
  new PageRefusal(404, { title: 'Not here', words: 'Nobody signs in here with a password.' })

interface Sent {
  readonly form: Form
  readonly to: string
  readonly isAgain: boolean
}

async function byPassword(visit: Visit, { form, to, isAgain }: Sent): Promise<void> {
  const { throttle, passwords, accounts } = visit
  const name = form.text('name').slice(0, 64)
  const keys = { account: `account ${aliasOf(name)}`, address: addressKey(visit) }
  const isLetIn =
    (await throttle.take(keys.address, TRIES.address)) &&
    (await throttle.take(keys.account, TRIES.account))
  if (!isLetIn) {
    visit.notes.note('sign-in.failed', { reason: 'too often' })
    return show(visit, { to, isAgain, name, problem: TOO_OFTEN })
  }
  const account = await accounts.named(name)
  const password = form.text('password').slice(0, 1_024)
  const { isRight, isStale } = await passwords.check(password, account?.password)
  if (!account || !isRight || account.isDisabled) {
    visit.notes.note('sign-in.failed', {
      reason: account?.isDisabled === true && isRight ? 'disabled' : 'wrong',
      ...(account === undefined ? {} : { account: account.id }),
    })
    return show(visit, { to, isAgain, name, problem: WRONG })
  }
  await throttle.giveBack(keys.address)
  await throttle.forget(keys.account)
  if (isStale) {
    const hash = await passwords.hash(password)
    await accounts.change(account.id, (now) =>
      now.password === account.password ? { ...now, password: hash } : now,
    )
  }
  await letIn(visit, account, 'password', to)
}

const addressKey = (visit: Visit): string => `address ${visit.address(visit.request)}`

async function byPasskey(visit: Visit, { form, to, isAgain }: Sent, said: string): Promise<void> {
  const { throttle, passkeys, notes } = visit
  const isLetIn = await throttle.take(addressKey(visit), TRIES.address)
  const account = isLetIn ? await passkeys?.signIn(said, form.text('challenge')) : undefined
  if (!account || account.isDisabled) {
    notes.note('sign-in.failed', { reason: 'passkey' })
    const problem = isLetIn ? 'That passkey is not known here.' : TOO_OFTEN
    return show(visit, { to, isAgain, name: form.text('name').slice(0, 64), problem })
  }
  await throttle.giveBack(addressKey(visit))
  await letIn(visit, account, 'passkey', to)
}

/** Somebody comes back from the provider, by a link of its own. */
export async function comeBack(visit: Visit): Promise<void> {
  const { provider, request, pages, accounts, notes, issuer } = visit
  if (!provider) throw nothingHere()
  const back = await provider.finish(request.url ?? '/', pages.forms.browser(request))
  const { link, name, provedAt, to, statement } = back
  if (issuer === undefined) {
    const principal = principalId(link.issuer, link.subject)
    if (principal === undefined) throw nothingHere()
    await visit.onStatement?.(principal, statement)
    return begin(visit, { principal, name, means: 'provider', provedAt }, to)
  }
  const { account, isNew } = await accounts.linked(link, name)
  if (isNew) notes.note('user.added', { account: account.id, issuer: link.issuer })
  if (account.isDisabled) {
    notes.note('sign-in.failed', { reason: 'disabled', account: account.id })
    throw new PageRefusal(403, {
      title: 'This account is not let in',
      words: 'It was disabled. Ask whoever runs this Countersign.',
    })
  }
  const principal = principalId(issuer, account.id)
  if (principal !== undefined) await visit.onStatement?.(principal, statement)
  return letIn(visit, account, 'provider', to, provedAt)
}

/** One account of ours signs in. */
export async function letIn(
  visit: Visit,
  account: Account,
  means: Person['means'],
  to: string,
  provedAt: number = visit.world.now(),
): Promise<void> {
  const principal = principalId(visit.issuer ?? '', account.id)
  if (principal === undefined) throw nothingHere()
  const { id, name } = account
  await begin(visit, { principal, account: id, name, means, provedAt }, to)
}

async function begin(visit: Visit, person: Person, to: string): Promise<void> {
  const { sessions, notes, pages, request, response } = visit
  await sessions.begin(request, response, person)
  notes.note('sign-in', { principal: person.principal, means: person.means })
  pages.sendOnward(response, to, { title: `Hello, ${person.name}` })
}
