import type { IncomingMessage, ServerResponse } from 'node:http'
import { isObject, own } from '@countersign/contract'
import type { Grant, Provider } from 'oidc-provider'
import type { FoldedNotes } from '#audit'
import type { World } from '#base'
import type { Protected } from '../embedded/protected.ts'
import { html } from '../pages/html.ts'
import { consentPage, type ClientShown } from '../pages/consent-page.ts'
import type { Form } from '../pages/forms.ts'
import type { Pages } from '../pages/pages.ts'
import { PageRefusal } from '../pages/refusal.ts'
import { scopeWords, type ScopeWords } from '../pages/scope-words.ts'
import type { Person, SignIns } from './person.ts'
import { SIGN_OUT_FORM } from './sign-out.ts'

export interface InteractionRooms {
  readonly world: World
  readonly pages: Pages
  readonly signIns: SignIns
  readonly protectedOnes: Protected
  readonly notes: FoldedNotes
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>

/** One question of the authorization server to a person, and the browser it is asked in. */
interface Asking extends InteractionRooms {
  readonly provider: Provider
  readonly details: Details
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Answers what the authorization server wants to know of a person: who they are, what they allow. */
export function interact(rooms: InteractionRooms, provider: Provider) {
  return async (request: IncomingMessage, response: ServerResponse, uid: string): Promise<void> => {
    try {
      const details = await detailsOf(provider, request, response)
      if (details.uid !== uid) throw overBy()
      const asking = { ...rooms, provider, details, request, response }
      if (details.prompt.name === 'login') await login(asking)
      else await consent(asking)
    } catch (thrown) {
      if (!(thrown instanceof PageRefusal)) throw thrown
      rooms.pages.refuse(response, thrown)
    }
  }
}

async function detailsOf(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Details> {
  try {
    return await provider.interactionDetails(request, response)
  } catch (cause) {
    throw overBy(cause)
  }
}

const overBy = (cause?: unknown): PageRefusal =>
  new PageRefusal(
    400,
    {
      title: 'This request is over',
      words:
        'It was answered already, began in another browser, or is too old. Go back to the program that brought you here, and begin again there.',
    },
    { cause },
  )

function param({ params }: Details, name: string): string {
  const value = params[name]
  return typeof value === 'string' ? value : ''
}

const pathOf = ({ request }: Asking): string => (request.url ?? '/').split('?', 1)[0] ?? '/'

/** The sign-in of this browser becomes that of the provider, if it is as fresh as is asked for. */
async function login(asking: Asking): Promise<void> {
  const { provider, details, request, response, signIns, pages } = asking
  const person = await signIns.personOf(request)
  const isFresh = person !== undefined && isFreshEnough(asking, person)
  if (person?.account === undefined || !isFresh) {
    const mustBeFresh = person?.account !== undefined
    signIns.send(response, pathOf(asking), mustBeFresh ? { freshMs: 0 } : undefined)
    return
  }
  const known = details.session
  // Somebody else by now: with the old session the provider would ask by script whether to end it.
  if (known && known.accountId !== person.account) {
    const session = await provider.Session.findByUid(known.uid)
    await session?.destroy()
    delete details.session
    await details.persist()
  }
  const to = await provider.interactionResult(
    request,
    response,
    {
      login: {
        accountId: person.account,
        remember: true,
        ts: Math.floor(person.provedAt / 1_000),
        amr: AMR[person.means],
      },
    },
    { mergeWithLastSubmission: false },
  )
  pages.redirect(response, to)
}

/** RFC 8176. Of what a provider did we know nothing. */
const AMR: Readonly<Record<Person['means'], string[]>> = {
  password: ['pwd'],
  passkey: ['hwk', 'user'],
  provider: [],
  local: [],
}

/** `prompt=login` and `max_age`: a sign-in since the question was asked always is. */
function isFreshEnough({ details, world }: Asking, { provedAt }: Person): boolean {
  const proved = Math.floor(provedAt / 1_000)
  if (proved >= details.iat) return true
  const { reasons } = details.prompt
  if (reasons.includes('login_prompt')) return false
  const maxAge = details.params['max_age']
  return maxAge === undefined || world.now() - provedAt <= Number(maxAge) * 1_000
}

/** What is asked for, by what it is a scope of: '' is the authorization server itself. */
interface Wanted {
  readonly resource: string
  readonly scope: string
}

async function consent(asking: Asking): Promise<void> {
  const { details, request, response, signIns, pages } = asking
  const person = await signIns.personOf(request)
  // Signed out, or somebody else by now: nobody agrees for another.
  if (!person || person.account !== details.session?.accountId) return login(asking)
  // AS24: for this question of this client, and no other.
  const name = `consent ${details.uid} ${param(details, 'client_id')}`
  if (request.method === 'POST') {
    await answer(asking, person, await pages.forms.read(request, name))
    return
  }
  const { wanted, held } = await askedOf(asking)
  const resources = [...new Set([...wanted, ...held].map(({ resource }) => resource))]
  await Promise.all(resources.map(async (url) => asking.protectedOnes.at(url)?.ready()))
  const page = consentPage({
    client: await clientOf(asking),
    resource: resources.flatMap((url) => resourceName(asking, url)).join(' and ') || 'Countersign',
    person: person.name,
    wanted: wanted.map((one) => askedWords(asking, one, wanted)),
    held: held.map((one) => wordsOf(asking, one)),
    field: pages.forms.field(request, response, name),
    signOutField: pages.forms.field(request, response, SIGN_OUT_FORM),
    path: pathOf(asking),
  })
  pages.send(response, 200, page)
}

const resourceName = ({ protectedOnes }: Asking, url: string): readonly string[] => {
  const found = protectedOnes.at(url)
  return found ? [found.name] : []
}

/** What its box on the page says: a scope of two resources has two boxes, and each is for one. */
const valueOf = ({ resource, scope }: Wanted, all: readonly Wanted[]): string =>
  all.filter((one) => one.scope === scope).length > 1 ? `${scope} ${resource}` : scope

function askedWords(asking: Asking, one: Wanted, all: readonly Wanted[]) {
  const value = valueOf(one, all)
  const shown = wordsOf(asking, one)
  const where = value === one.scope ? '' : ` (${resourceName(asking, one.resource).join('')})`
  return { ...shown, words: `${shown.words}${where}`, value }
}

const wordsOf = ({ protectedOnes }: Asking, { resource, scope }: Wanted): ScopeWords =>
  scopeWords(scope, resource === '' ? undefined : protectedOnes.at(resource))

/** Only what was not agreed to yet is asked; a person must not learn to agree without reading. */
async function askedOf(
  asking: Asking,
): Promise<{ readonly wanted: readonly Wanted[]; readonly held: readonly Wanted[] }> {
  const { details, provider } = asking
  const { missingOIDCScope, missingResourceScopes, declinedResourceScopes } = details.prompt.details
  const ofServer = textsOf(missingOIDCScope)
    // It says nothing about anybody here but the id that every token has.
    .filter((scope) => scope !== 'openid')
    .map((scope) => ({ resource: '', scope }))
  const wanted = [
    ...scopesIn(missingResourceScopes),
    ...scopesIn(declinedResourceScopes),
    ...ofServer,
  ]
  const grant =
    details.grantId === undefined ? undefined : await provider.Grant.find(details.grantId)
  const urls = [...new Set([...wanted.map(({ resource }) => resource), ...resourcesOf(asking)])]
  const held = urls
    .filter((url) => url !== '')
    .flatMap((resource) =>
      (grant?.getResourceScope(resource) ?? '')
        .split(' ')
        .filter((scope) => scope !== '')
        .map((scope) => ({ resource, scope })),
    )
  return { wanted, held }
}

const resourcesOf = ({ details }: Asking): readonly string[] => {
  const { resource } = details.params
  return typeof resource === 'string' ? [resource] : textsOf(resource)
}

const scopesIn = (value: unknown): readonly Wanted[] =>
  isObject(value)
    ? Object.entries(value).flatMap(([resource, scopes]) =>
        textsOf(scopes).map((scope) => ({ resource, scope })),
      )
    : []

const textsOf = (value: unknown): readonly string[] => {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  return list.filter((one) => typeof one === 'string')
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/** AS12: who asks, and where the answer goes, as far as it is known and not only said. */
async function clientOf({ details, provider }: Asking): Promise<ClientShown> {
  const id = param(details, 'client_id')
  const client = await provider.Client.find(id)
  const uri = param(details, 'redirect_uri')
  const isDocument = /^https?:\/\//.test(id) && URL.canParse(id)
  const registered = client?.metadata()
  const isSelfMade = registered?.['client_id_issued_at'] !== undefined
  const uris = client?.redirectUris ?? [uri]
  return {
    name: (client?.clientName ?? id).slice(0, NAME_CHARS_MAX).toWellFormed(),
    host: isDocument ? new URL(id).host : undefined,
    origin: isDocument ? 'document' : isSelfMade ? 'itself' : 'administrator',
    redirect: redirectShown(uri),
    isLocal: uris.every((one) => URL.canParse(one) && LOOPBACK.test(new URL(one).hostname)),
  }
}

const NAME_CHARS_MAX = 80

/** The host, in the form that no other host can take on; for apps the scheme that opens them. */
function redirectShown(uri: string): string {
  if (!URL.canParse(uri)) return 'nowhere'
  const { protocol, host, hostname } = new URL(uri)
  if (protocol !== 'https:' && protocol !== 'http:') return `the app that opens ${protocol} links`
  return LOOPBACK.test(hostname) ? `this computer (${host})` : host
}

async function answer(asking: Asking, person: Person, form: Form): Promise<void> {
  const { details, provider, request, response, pages, notes } = asking
  const { wanted, held } = await askedOf(asking)
  const ticked = new Set(form.all('scope'))
  const isTicked = (one: Wanted): boolean => ticked.has(valueOf(one, wanted))
  const agreed = wanted.filter(isTicked)
  const declined = wanted.filter((one) => !isTicked(one))
  const { name } = await clientOf(asking)
  const isAllowed = form.text('decision') === 'allow' && [...agreed, ...held].length > 0
  // RS17: what was asked for, and which part of it was given.
  notes.note('consent', {
    principal: person.principal,
    client: param(details, 'client_id'),
    resource: resourcesOf(asking).join(' '),
    agreed: isAllowed ? agreed.map(({ scope }) => scope) : [],
    declined: (isAllowed ? declined : wanted).map(({ scope }) => scope),
  })
  const result = isAllowed
    ? { consent: { grantId: await granted(asking, agreed, declined) } }
    : { error: 'access_denied', error_description: 'The person did not agree.' }
  const to = await provider.interactionResult(request, response, result)
  pages.sendOnward(response, to, {
    title: isAllowed ? 'Allowed' : 'Denied',
    words: html`Going back to ${name}. If it opens by itself, you can close this window.`,
  })
}

/** AS22: kept by the provider for this person and this client. What was declined is kept apart. */
async function granted(
  asking: Asking,
  agreed: readonly Wanted[],
  declined: readonly Wanted[],
): Promise<string> {
  const grant = await grantOf(asking)
  if (textsOf(asking.details.prompt.details['missingOIDCScope']).includes('openid')) {
    grant.addOIDCScope('openid')
  }
  for (const { resource, scope } of agreed) {
    takeBack(grant.rejected, resource, scope)
    if (resource === '') grant.addOIDCScope(scope)
    else grant.addResourceScope(resource, scope)
  }
  for (const { resource, scope } of declined) {
    if (resource === '') grant.rejectOIDCScope(scope)
    else grant.rejectResourceScope(resource, scope)
  }
  return grant.save()
}

/** Theirs for this client, or a new one. */
async function grantOf({ details, provider }: Asking): Promise<Grant> {
  const accountId = details.session?.accountId ?? ''
  const clientId = param(details, 'client_id')
  const known =
    details.grantId === undefined ? undefined : await provider.Grant.find(details.grantId)
  const isTheirs = known?.accountId === accountId && known.clientId === clientId
  return known && isTheirs ? known : new provider.Grant({ accountId, clientId })
}

/** The provider has no way to agree to what was declined once. */
function takeBack(rejected: unknown, resource: string, scope: string): void {
  const resources = isObject(rejected) ? own(rejected, 'resources') : undefined
  const text = isObject(resources) ? own(resources, resource) : undefined
  if (!isObject(resources) || typeof text !== 'string') return
  const left = text.split(' ').filter((one) => one !== scope)
  Object.assign(resources, { [resource]: left.join(' ') })
}
