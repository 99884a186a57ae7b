import { checkView, param, resourceAt, scopesAsked } from './allowed.ts'
import type { Shown } from './assertion.ts'
import type { GrantAsk, Granting, GrantRooms, GrantSettings } from './grant-rooms.ts'
import { Refused } from './refused.ts'
import { spendAssertion } from './spent-assertions.ts'
import type { Workload, WorkloadIssuers } from './workload-issuers.ts'

/** RFC 7523 §2.1 for a program that its platform vouches for (WI1). */
export async function grantToWorkload(
  rooms: GrantRooms,
  settings: GrantSettings,
  issuers: WorkloadIssuers,
  { ask, shown }: { readonly ask: GrantAsk; readonly shown: Shown },
): Promise<Granting> {
  const workload = await issuers.identify(shown)
  const { subject, rule } = workload
  const resource = resourceAt(rooms, param(ask, 'resource'))
  checkView(resource, rule)
  await resource.ready()
  const scopes = scopesAsked(ask, resource, rule.scopes, { tools: true })
  const jkt = await ask.prove()
  await useUp(rooms, settings, workload, jkt)
  return {
    subject,
    // The client, if one was named, proves nothing: the program is who acts (RFC 9068 §2.2).
    client: subject,
    resource,
    scopes,
    lifetimeMs: settings.accessTokenMs,
    jkt,
    claims: { cat: resource.epoch(), sub_profile: 'workload' },
    basis: basisOf(workload, ask),
  }
}

/** Binds and spends it as its issuer's rules say. Last of all: what fails before costs nothing. */
export async function useUp(
  rooms: GrantRooms,
  { skewMs, dpop }: GrantSettings,
  { settings, assertion }: Workload,
  jkt: string | undefined,
): Promise<void> {
  if (jkt === undefined && (settings.dpop === 'required' || dpop === 'required')) {
    throw new Refused('invalid_dpop_proof', 'A DPoP proof is needed: the token is bound to a key.')
  }
  if (settings.replay === 'window') return
  await spendAssertion({ ...rooms, skewMs }, `workload ${settings.name}`, assertion)
}

const basisOf = ({ settings, assertion }: Workload, { client }: GrantAsk) => ({
  issuer: settings.name,
  assertion: assertion.id,
  ...(client === undefined ? {} : { client: client.id }),
})
