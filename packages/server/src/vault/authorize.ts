import { createHash } from 'node:crypto'
import { Fault, isObject, type JsonObject } from '@countersign/contract'
import type { Person } from '#auth'
import type { World } from '#base'
import type { Log } from '#telemetry'
import { askTokens, insist, tokensFrom } from './ask-tokens.ts'
import { judgeAnswer, type Answered } from './authorization-answer.ts'
import { foreign, stale, type Begun } from './begun.ts'
import type { Cabinet } from './cabinet.ts'
import type { Connected } from './connecting.ts'
import { explained } from './current.ts'
import { textAt, textsAt } from './fields.ts'
import type { Note } from './notes.ts'
import { isLoopback } from './outgoing.ts'
import { makeJwk } from './own-client.ts'
import type { Provers } from './proofs.ts'
import { unconnected } from './renew.ts'
import type { Known, Rounds } from './round.ts'
import { oauth } from './sdk.ts'
import type { OwnClient } from './settings.ts'

export interface ConnectRooms {
  readonly world: World
  readonly log: Log
  readonly cabinet: Cabinet
  readonly rounds: Rounds
  readonly provers: Provers
  readonly note: Note
  readonly own: () => OwnClient
  readonly known: (server: string) => Known
  readonly has: (server: string) => boolean
}

const KIND = 'Connecting'
/** How long somebody may take at the authorization server (AS25). */
const STATE_MS = 10 * 60_000

/** Prepares the request, remembers what its answer is judged by, and only then makes the state (OC12). */
export async function send(
  rooms: ConnectRooms,
  server: Known,
  { id, owner, scopes }: Begun,
  { principal }: Person,
): Promise<string> {
  const { world, cabinet, rounds, provers, own } = rooms
  const round = await rounds.start(server, owner, scopes)
  const { startAuthorization } = await oauth()
  const dpopKey = round.isBound ? await makeJwk() : undefined
  const { redirectUrl } = own()
  const state = world.random(32).toString('base64url')
  const { authorizationUrl, codeVerifier } = await startAuthorization(round.issuer, {
    metadata: round.metadata,
    clientInformation: round.client.information,
    redirectUrl,
    state,
    resource: round.resource,
    ...(round.scopes.length === 0 ? {} : { scope: round.scopes.join(' ') }),
  })
  if (dpopKey) {
    const { thumbprint } = await provers.of(dpopKey)
    authorizationUrl.searchParams.set('dpop_jkt', thumbprint)
  }
  checkScheme(authorizationUrl)
  const value: JsonObject = {
    connection: id,
    server: server.id,
    principal,
    owner,
    verifier: codeVerifier,
    redirectUrl,
    issuer: round.issuer,
    resource: round.resource,
    clientId: round.client.information.client_id,
    scopes: [...round.scopes],
    saysIssuer: round.metadata.authorization_response_iss_parameter_supported === true,
    dpopKey: dpopKey ?? null,
  }
  await cabinet.secrets.put(KIND, keyOf(state), value, { until: world.now() + STATE_MS })
  return authorizationUrl.href
}

/** OC18: a browser is sent to nothing but a page on the web. */
function checkScheme({ protocol, hostname }: URL): void {
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return
  throw new Fault('upstream/unavailable', 'The authorization page is not at an https URL.')
}

export async function finish(
  rooms: ConnectRooms,
  query: URLSearchParams,
  { principal }: Person,
): Promise<Connected> {
  const { secrets } = rooms.cabinet
  const key = keyOf(query.get('state') ?? '')
  // Whose it is is looked at first, so that another cannot use it up.
  const there = await secrets.get(KIND, key)
  if (!there || there['connection'] === undefined) throw stale()
  if (there['principal'] !== principal) throw foreign()
  const sent = await secrets.take(KIND, key)
  if (!sent) throw stale()
  const server = rooms.known(textAt(sent, 'server'))
  const answered = judgeAnswer(query, textAt(sent, 'issuer'), sent['saysIssuer'] === true)
  if (answered.kind !== 'code') throw refusedBy(server, answered)
  try {
    await redeem(rooms, server, sent, answered.code)
  } catch (thrown) {
    throw await explained(rooms.log, server, thrown)
  }
  const id = textAt(sent, 'connection')
  await secrets.remove(KIND, id)
  const owner = textAt(sent, 'owner')
  return { id, server: server.id, principal: owner === '' ? undefined : owner }
}

function refusedBy(server: Known, answered: Exclude<Answered, { readonly kind: 'code' }>): Fault {
  if (answered.kind === 'mixed-up') {
    return new Fault('http/forbidden', `The answer is not from the account server of ${server.id}.`)
  }
  // Its code, which is one of few words; never its description.
  const what = answered.error === 'access_denied' ? 'was not allowed' : `failed: ${answered.error}`
  return new Fault('upstream/unconnected', `Connecting ${server.id} ${what}.`, {
    data: { server: server.id },
  })
}

async function redeem(
  { world, cabinet, rounds, provers, note }: ConnectRooms,
  server: Known,
  sent: JsonObject,
  code: string,
): Promise<void> {
  const [issuer, resource] = [textAt(sent, 'issuer'), textAt(sent, 'resource')]
  const { client, metadata, fetchFn } = await rounds.follow(server, issuer)
  const clientId = client.information.client_id
  if (clientId !== sent['clientId']) throw unconnected(server.id)
  const dpopKey = isObject(sent['dpopKey']) ? sent['dpopKey'] : undefined
  const prover = dpopKey && (await provers.of(dpopKey))
  const params = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    code_verifier: textAt(sent, 'verifier'),
    redirect_uri: textAt(sent, 'redirectUrl'),
  })
  const answer = await askTokens({ issuer, metadata, resource, client, params, prover, fetchFn })
  const had = { now: world.now(), clientId, scopes: textsAt(sent, 'scopes'), dpopKey }
  const tokens = insist(server, tokensFrom(answer, { ...had, refreshToken: undefined }))
  const place = { server: server.id, owner: textAt(sent, 'owner'), issuer, resource }
  note('credential.connected', await cabinet.keep(place, tokens))
}

/** A state is as good as a password until it is used: its digest is what is kept. */
const keyOf = (state: string): string =>
  `state ${createHash('sha256').update(state).digest('base64url')}`
