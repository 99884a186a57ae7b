// People who sign in and consent at once, without a page.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { OpenPeople } from '../../src/server/open-authorization.ts'

/** Whom the browser is, and what they say on pages; changed by tests as they go. */
export interface Folk {
  account: string | undefined
  /** What is granted of what is missing; everything unless said otherwise. */
  grants: (scopes: readonly string[]) => readonly string[]
  readonly gone: Set<string>
  /** What each page of consent was about, oldest first. */
  readonly consents: { readonly client: string; readonly scopes: readonly string[] }[]
}

export const newFolk = (): Folk => ({
  account: 'ada',
  grants: (scopes) => scopes,
  gone: new Set(),
  consents: [],
})

/** Pages without a page: whoever is asked has answered. */
export const folkPages =
  (folk: Folk): OpenPeople =>
  async (origin) => ({
    people: {
      personOf: async () =>
        folk.account === undefined
          ? undefined
          : {
              principal: `${origin}/oauth#${folk.account}`,
              account: folk.account,
              name: folk.account,
              means: 'local',
              provedAt: Date.now(),
            },
      send: (response, path) => {
        response.writeHead(303, { location: `/oauth/sign-in?to=${encodeURIComponent(path)}` })
        response.end()
      },
      isWelcome: async (subject) => !folk.gone.has(subject),
    },
    interactions: (provider) => (request, response) => interact(folk, provider, request, response),
    pages: async (request, response) => {
      if (!request.url?.startsWith('/oauth/sign-in')) return false
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.end('sign in')
      return true
    },
  })

async function interact(
  folk: Folk,
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    const login = { accountId: folk.account ?? 'nobody' }
    return provider.interactionFinished(request, response, { login })
  }
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const clientId = String(params['client_id'])
  const grant = found ?? new provider.Grant({ accountId: session?.accountId ?? '', clientId })
  const details = prompt.details as {
    missingOIDCScope?: string[]
    missingResourceScopes?: Record<string, string[]>
  }
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '))
  const asked: string[] = []
  for (const [url, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    const given = folk.grants(scopes)
    asked.push(...scopes)
    if (given.length > 0) grant.addResourceScope(url, given.join(' '))
    const refused = scopes.filter((scope) => !given.includes(scope))
    if (refused.length > 0) grant.rejectResourceScope(url, refused.join(' '))
  }
  folk.consents.push({ client: clientId, scopes: asked })
  const consent = { grantId: await grant.save() }
  return provider.interactionFinished(request, response, { consent })
}
