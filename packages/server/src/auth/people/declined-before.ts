import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'

const { Check } = interactionPolicy

/**
 * Asks again for what somebody once declined: a client that comes back for a scope needs it (RS13),
 * and would otherwise be sent around in circles.
 */
export const declinedBefore = (): interactionPolicy.Check =>
  new Check(
    'declined_before',
    'a scope was declined before',
    (ctx) => Object.keys(askedAgain(ctx)).length > 0,
    (ctx) => ({ declinedResourceScopes: askedAgain(ctx) }),
  )

/** By resource. Right after an answer nothing is asked again. */
function askedAgain({ oidc }: KoaContextWithOIDC): Readonly<Record<string, string[]>> {
  const grant = oidc.entities.Grant
  if (!grant || oidc.result?.consent) return {}
  return Object.fromEntries(
    Object.keys(oidc.resourceServers ?? {}).flatMap((url): [string, string[]][] => {
      const declined = grant.getRejectedResourceScope(url).split(' ')
      const again = declined.filter((scope) => oidc.requestParamScopes.has(scope))
      return again.length > 0 ? [[url, again]] : []
    }),
  )
}
