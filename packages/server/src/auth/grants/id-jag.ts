import { isObject, own, type JsonObject } from '@countersign/contract'
import { textIn } from '../discover.ts'
import type { ProtectedResource } from '../embedded/protected.ts'
import type { IdentityProvider } from '../embedded/settings.ts'
import { IssuerKeys } from '../issuer-keys.ts'
import { checkView, param, resourceAt } from './allowed.ts'
import { checkAssertion, CLAIM_CHARS_MAX, type Shown } from './assertion.ts'
import type { GrantAsk, GrantClient, Granting, GrantRooms, GrantSettings } from './grant-rooms.ts'
import { badGrant, Refused } from './refused.ts'
import { isWithin, meansThere, wordsOf } from './scopes-within.ts'
import { spendAssertion } from './spent-assertions.ts'

/** The type of a statement about a person by the identity provider of an enterprise. */
export const ID_JAG = 'oauth-id-jag+jwt'

const REQUIRED = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id']

/** Enterprise-managed authorization: an identity provider decides for its people (AS29–AS37). */
export class IdentityProviders {
  readonly #rooms: GrantRooms
  readonly #settings: GrantSettings
  readonly #trusted: ReadonlyMap<string, Trusted>

  constructor(rooms: GrantRooms, settings: GrantSettings) {
    this.#rooms = rooms
    this.#settings = settings
    const trusted = settings.enterprises.map((provider): [string, Trusted] => [
      provider.issuer,
      { provider, keys: new IssuerKeys(rooms, provider) },
    ])
    this.#trusted = new Map(trusted)
  }

  async grant(ask: GrantAsk, shown: Shown): Promise<Granting> {
    const rooms = this.#rooms
    const client = authenticated(ask.client)
    const { provider, keys } = this.#trustedFor(shown)
    const { skewMs, accessTokenMs, dpop } = this.#settings
    const assertion = await checkAssertion(rooms, shown, {
      keys,
      issuer: provider.issuer,
      algorithms: provider.algorithms,
      // Our issuer alone: a token endpoint may serve more than one (AS29).
      audiences: [rooms.issuer],
      lifetimeMs: provider.lifetimeMs,
      skewMs,
      required: REQUIRED,
    })
    const { claims } = assertion
    checkClient(provider, client, claims)
    const resource = resourceAt(rooms, resourceOf(ask, claims))
    checkView(resource, provider)
    await resource.ready()
    const scopes = scopesOf(ask, claims, provider, resource)
    if (scopes.length === 0)
      throw new Refused('invalid_scope', 'Nothing that is asked for is given.')
    const tenant = tenantOf(provider, claims)
    const subject = await this.#subjectOf(provider, assertion.subject, tenant)
    const jkt = await ask.prove()
    if (jkt === undefined && (dpop === 'required' || isBound(claims))) {
      throw new Refused(
        'invalid_dpop_proof',
        'A DPoP proof is needed: the token is bound to a key.',
      )
    }
    checkKey(claims, jkt)
    if (provider.replay === 'once') {
      await spendAssertion({ ...rooms, skewMs }, provider.issuer, assertion)
    }
    return {
      subject,
      client: client.id,
      resource,
      scopes,
      lifetimeMs: accessTokenMs,
      jkt,
      claims: {
        cat: resource.epoch(),
        idp: provider.issuer,
        ...(tenant === undefined ? {} : { tenant }),
      },
      basis: { issuer: provider.issuer, assertion: assertion.id, client: client.id },
    }
  }

  #trustedFor({ claims }: Shown): Trusted {
    const found = this.#trusted.get(textIn(claims, 'iss') ?? '')
    if (!found) throw badGrant('It is from an identity provider that is not trusted here.')
    return found
  }

  /** Issuer and subject, never the e-mail address: that can be given to somebody else (AS37). */
  async #subjectOf(
    { issuer }: IdentityProvider,
    subject: string,
    tenant: string | undefined,
  ): Promise<string> {
    // Within one tenant only: subjects of two may be equal.
    const known = tenant === undefined ? await this.#rooms.personOf(issuer, subject) : undefined
    if (known?.isDisabled === true) throw badGrant('It is about somebody who may not sign in.')
    if (known) return known.id
    // An issuer has no `#`, so nobody else's subject can look like this one.
    const middle = tenant === undefined ? '' : `${encodeURIComponent(tenant)}#`
    return `${issuer}#${middle}${subject}`
  }
}

interface Trusted {
  readonly provider: IdentityProvider
  readonly keys: IssuerKeys
}

/** Whoever cannot prove to be the client that the statement names might have found it (AS33). */
function authenticated(client: GrantClient | undefined): GrantClient {
  if (client?.isAuthenticated === true) return client
  throw new Refused('invalid_client', 'The client has to authenticate itself for this grant.')
}

function checkClient(provider: IdentityProvider, { id }: GrantClient, claims: JsonObject): void {
  const mapped = Object.keys(provider.clients).length > 0
  const expected = mapped ? own(provider.clients, id) : id
  if (expected === undefined || textIn(claims, 'client_id') !== expected) {
    throw badGrant('It is for another client.')
  }
}

/** Said by the statement, by the request, or by both alike (AS30). */
function resourceOf(ask: GrantAsk, claims: JsonObject): string | undefined {
  const asked = param(ask, 'resource')
  const said = own(claims, 'resource')
  if (said === undefined) return asked
  const list: readonly unknown[] = Array.isArray(said) ? said : [said]
  const [only] = list
  const wanted = asked ?? (list.length === 1 && typeof only === 'string' ? only : undefined)
  if (wanted === undefined || !list.includes(wanted)) throw badGrant('It is for another resource.')
  return wanted
}

/**
 * What is in both the statement and the request, and may be given (AS31). A statement may say more
 * than is asked for, and a request that asks for nothing asks for all of it (CO8).
 */
function scopesOf(
  ask: GrantAsk,
  claims: JsonObject,
  provider: IdentityProvider,
  resource: ProtectedResource,
): readonly string[] {
  const said = wordsOf(textIn(claims, 'scope'))
  const asked = wordsOf(param(ask, 'scope'))
  const wanted = asked.length === 0 ? [...said, ...provider.scopes] : asked
  const isIn = (scope: string, of: readonly string[]) =>
    isWithin(scope, of, resource, { tools: true })
  return [...new Set(wanted)].filter(
    (scope) => meansThere(resource, scope) && isIn(scope, said) && isIn(scope, provider.scopes),
  )
}

/** Of a provider for many tenants, only those that are named: anybody can open another one (WI6). */
function tenantOf(provider: IdentityProvider, claims: JsonObject): string | undefined {
  if (provider.tenantClaim === undefined) return undefined
  const tenant = textIn(claims, provider.tenantClaim)
  const isOurs = tenant !== undefined && provider.tenants.includes(tenant)
  if (isOurs && tenant.length <= CLAIM_CHARS_MAX) return tenant
  throw badGrant('It is about somebody of another tenant.')
}

const isBound = (claims: JsonObject): boolean => own(claims, 'cnf') !== undefined

/** A statement that is bound to a key is good for that key alone (RFC 7800 §3.1). */
function checkKey(claims: JsonObject, jkt: string | undefined): void {
  const cnf = own(claims, 'cnf')
  if (cnf === undefined) return
  if (!isObject(cnf) || jkt === undefined || textIn(cnf, 'jkt') !== jkt) {
    throw badGrant('It is bound to another key.')
  }
}
