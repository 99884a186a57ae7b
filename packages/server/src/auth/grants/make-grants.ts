import type { EntryBody } from '@countersign/contract/ledger/entries'
import { principalId } from '../principal.ts'
import { requiredParam } from './allowed.ts'
import { CLAIM_CHARS_MAX, shownIn } from './assertion.ts'
import { delegate } from './delegation.ts'
import type { GrantAsk, Granting, GrantRooms, GrantSettings } from './grant-rooms.ts'
import { ID_JAG, IdentityProviders } from './id-jag.ts'
import { badGrant, Refused } from './refused.ts'
import { grantToWorkload } from './workload-grant.ts'
import { WorkloadIssuers } from './workload-issuers.ts'

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag'

/** The grants of programs and enterprises: who may have which token, without a person to ask. */
export interface Grants {
  /**
   * Decides on a request of one of the types, and has the token made. Rejects with `Refused`. Each
   * decision is written down before its answer is given (WI5).
   */
  readonly answer: <Given extends { readonly tokenId: string }>(
    type: string,
    ask: GrantAsk,
    issue: (granting: Granting) => Promise<Given>,
  ) => Promise<Given>
}

type Switched = Pick<GrantSettings, 'workloads' | 'enterprises' | 'delegation'>

/** The grant types that are switched on, as the metadata says them (WI1). */
export const grantTypes = ({ workloads, enterprises, delegation }: Switched): readonly string[] => [
  ...(workloads.length + enterprises.length > 0 ? [JWT_BEARER] : []),
  ...(delegation.clients.length > 0 ? [TOKEN_EXCHANGE] : []),
]

/** How a client finds out that an enterprise may decide here (AS35). */
export const profiles = ({ enterprises }: Switched): readonly string[] =>
  enterprises.length > 0 ? [ID_JAG_PROFILE] : []

/** Whether what a request shows says by itself who it is from (WI4). */
export const needsNoClient = (params: Readonly<Record<string, unknown>>): boolean =>
  params['grant_type'] === JWT_BEARER ||
  (params['grant_type'] === TOKEN_EXCHANGE && params['actor_token'] !== undefined)

export function makeGrants(rooms: GrantRooms, settings: GrantSettings): Grants {
  const issuers = new WorkloadIssuers(rooms, settings)
  const providers = new IdentityProviders(rooms, settings)

  const byAssertion = (ask: GrantAsk): Promise<Granting> => {
    const shown = shownIn(requiredParam(ask, 'assertion'))
    return shown.typ === ID_JAG
      ? providers.grant(ask, shown)
      : grantToWorkload(rooms, settings, issuers, { ask, shown })
  }
  return {
    answer: async (type, ask, issue) => {
      try {
        const granting =
          type === TOKEN_EXCHANGE
            ? await delegate(rooms, settings, issuers, ask)
            : await byAssertion(ask)
        checkSubject(rooms, granting)
        const given = await issue(granting)
        await rooms.note('token.issued', { ...told(type, granting), token: given.tokenId })
        return given
      } catch (thrown) {
        if (thrown instanceof Refused) await rooms.note('token.refused', refusal(type, ask, thrown))
        throw thrown
      }
    },
  }
}

/** A token whose subject our own resource server would not take is of no use to anybody. */
function checkSubject({ issuer }: GrantRooms, { subject }: Granting): void {
  const isShort = subject.length <= CLAIM_CHARS_MAX
  if (isShort && principalId(issuer, subject) !== undefined) return
  throw badGrant('Its subject is too long to be used here.')
}

/** Never the assertion, nor any claim of one that was not believed (AS36). */
function told(type: string, granting: Granting): EntryBody<'token.issued'> {
  const { subject, client, resource, scopes, jkt, claims, basis } = granting
  return {
    grant: nameOf(type),
    subject,
    client,
    resource: resource.url,
    scopes: [...scopes],
    isBound: jkt !== undefined,
    ...(claims['act'] === undefined ? {} : { act: claims['act'] }),
    basis,
  }
}

const refusal = (
  type: string,
  { client }: GrantAsk,
  { code, message }: Refused,
): EntryBody<'token.refused'> => ({
  grant: nameOf(type),
  error: code,
  reason: message,
  ...(client === undefined ? {} : { client: client.id }),
})

const nameOf = (type: string): string => type.slice(type.lastIndexOf(':') + 1)
