import { isObject, own, type JsonObject } from '@countersign/contract'
import { textIn } from '../discover.ts'
import type { ProtectedResource } from '../embedded/protected.ts'
import { checkView, param, requiredParam, resourceAt, scopesAsked } from './allowed.ts'
import { shownIn } from './assertion.ts'
import type { GrantAsk, Granting, GrantRooms, GrantSettings } from './grant-rooms.ts'
import { matches } from './match.ts'
import { badGrant, Refused } from './refused.ts'
import { isWithin, wordsOf } from './scopes-within.ts'
import { useUp } from './workload-grant.ts'
import type { Workload, WorkloadIssuers } from './workload-issuers.ts'

export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/** Who acted, the nearest first; our resource server takes no more (GV4). */
const ACTORS_MAX = 4

/** Who wants to act for somebody. */
interface ActorHere {
  readonly subject: string
  /** Undefined for a client, which proved itself. */
  readonly workload: Workload | undefined
}

/**
 * RFC 8693: a token for somebody who acts for the subject of another one. It only ever narrows: in
 * scope, in resource and in time (GV3).
 */
export async function delegate(
  rooms: GrantRooms,
  settings: GrantSettings,
  issuers: WorkloadIssuers,
  ask: GrantAsk,
): Promise<Granting> {
  checkTypes(ask)
  const actor = await actorOf(issuers, ask)
  const parent = await rooms.ownToken(requiredParam(ask, 'subject_token'))
  const subject = parent && textIn(parent, 'sub')
  if (!parent || subject === undefined) {
    throw badGrant('The subject_token is no access token of ours, or no longer good.')
  }
  checkMayAct(parent, actor, settings)
  const act = actorsWith(rooms, parent, actor)
  const resource = narrowed(rooms, parent, param(ask, 'resource'))
  const scopes = narrowedScopes(ask, parent, resource, actor)
  // Before anything is used up for it; what is left when it is issued is less.
  lifetimeOf(parent, rooms.world.now(), settings)
  const jkt = await ask.prove()
  // Whoever could not use the bound token by itself must not get one that anybody can.
  if (jkt === undefined && (own(parent, 'cnf') !== undefined || settings.dpop === 'required')) {
    throw new Refused('invalid_dpop_proof', 'A DPoP proof is needed: the token is bound to a key.')
  }
  if (actor.workload) await useUp(rooms, settings, actor.workload, jkt)
  return {
    subject,
    client: ask.client?.id ?? actor.subject,
    resource,
    scopes,
    lifetimeMs: lifetimeOf(parent, rooms.world.now(), settings),
    jkt,
    claims: { ...kept(parent), act },
    basis: { token: textIn(parent, 'jti') ?? '', actor: actor.subject },
  }
}

function checkTypes(ask: GrantAsk): void {
  if (requiredParam(ask, 'subject_token_type') !== ACCESS_TOKEN) {
    throw new Refused('invalid_request', `"subject_token_type" must be ${ACCESS_TOKEN}.`)
  }
  if ((param(ask, 'requested_token_type') ?? ACCESS_TOKEN) !== ACCESS_TOKEN) {
    throw new Refused('invalid_request', 'Only access tokens are issued.')
  }
  if (param(ask, 'audience') !== undefined) {
    throw new Refused('invalid_target', 'Name the view with "resource" instead of "audience".')
  }
}

/** A program with an identity of its platform, or else the client, which has to be one that can prove it. */
async function actorOf(issuers: WorkloadIssuers, ask: GrantAsk): Promise<ActorHere> {
  const token = param(ask, 'actor_token')
  if (token !== undefined) {
    if (requiredParam(ask, 'actor_token_type') !== JWT) {
      throw new Refused('invalid_request', `"actor_token_type" must be ${JWT}.`)
    }
    const workload = await issuers.identify(shownIn(token))
    return { subject: workload.subject, workload }
  }
  const { client } = ask
  if (client?.isAuthenticated === true) return { subject: client.id, workload: undefined }
  throw new Refused(
    'invalid_client',
    'Whoever acts has to prove who it is: as a client, or by "actor_token".',
  )
}

/** RFC 8693 §4.4, or the word of whoever runs this. */
function checkMayAct(parent: JsonObject, actor: ActorHere, { delegation }: GrantSettings): void {
  const named = own(parent, 'may_act')
  const isNamed =
    isObject(named) &&
    [textIn(named, 'sub'), textIn(named, 'client_id')].includes(actor.subject) &&
    (own(named, 'iss') === undefined || textIn(named, 'iss') === textIn(parent, 'iss'))
  if (isNamed || delegation.clients.some((pattern) => matches(actor.subject, pattern))) return
  throw new Refused('unauthorized_client', 'It may not act for others.')
}

/** Named so that whoever revokes an actor, or its client, takes along what it got this way. */
function actorsWith(
  { issuer }: GrantRooms,
  parent: JsonObject,
  { subject }: ActorHere,
): JsonObject {
  const before = own(parent, 'act')
  let links = 1
  for (let at = before; isObject(at); at = own(at, 'act')) links++
  if (links > ACTORS_MAX) throw badGrant(`More than ${String(ACTORS_MAX)} would have acted.`)
  const link = { sub: subject, iss: issuer, client_id: subject }
  return { ...link, ...(isObject(before) ? { act: before } : {}) }
}

/** The same view, or one of those that the view of all servers is made of. */
function narrowed(
  rooms: GrantRooms,
  parent: JsonObject,
  asked: string | undefined,
): ProtectedResource {
  const aud = own(parent, 'aud')
  const from = resourceAt(rooms, typeof aud === 'string' ? aud : undefined)
  const to = asked === undefined ? from : resourceAt(rooms, asked)
  if (to.url === from.url || from.view === '') return to
  throw new Refused('invalid_target', 'The subject_token is not for this resource.')
}

/** What the subject gave, and of that no more than the actor may have by itself where a rule says. */
function narrowedScopes(
  ask: GrantAsk,
  parent: JsonObject,
  resource: ProtectedResource,
  { workload }: ActorHere,
): readonly string[] {
  const held = wordsOf(textIn(parent, 'scope'))
  // A class was consented to as it was then: one tool of what it is now may be more.
  const how = { tools: false }
  if (!workload) return scopesAsked(ask, resource, held, how)
  const { rule } = workload
  checkView(resource, rule)
  const both = [...new Set([...held, ...rule.scopes])].filter(
    (scope) =>
      isWithin(scope, held, resource, how) &&
      isWithin(scope, rule.scopes, resource, { tools: true }),
  )
  return scopesAsked(ask, resource, both, how)
}

/** More than signing takes. */
const SIGNING_MS = 1_000

function lifetimeOf(parent: JsonObject, now: number, { delegation }: GrantSettings): number {
  // It is signed a moment later, and `exp` must not come after that of the parent.
  const leftMs = Number(own(parent, 'exp')) * 1_000 - now - SIGNING_MS
  const lifetimeMs = Math.floor(Math.min(delegation.lifetimeMs, leftMs) / 1_000) * 1_000
  if (lifetimeMs > 0) return lifetimeMs
  throw badGrant('The subject_token is about to expire.')
}

/** What says more about the subject, and when it consented: that is not renewed by passing it on. */
function kept(parent: JsonObject): JsonObject {
  const said = KEPT.flatMap((name) => {
    const value = own(parent, name)
    return value === undefined ? [] : [[name, value]]
  })
  // Whoever got a token for itself is a program still when another one acts for it.
  const isProgram = own(parent, 'client_id') === own(parent, 'sub')
  return { ...(isProgram ? { sub_profile: 'workload' } : {}), ...Object.fromEntries(said) }
}
const KEPT = ['cat', 'gid', 'idp', 'tenant', 'sub_profile']
