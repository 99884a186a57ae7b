import { hkdfSync } from 'node:crypto'
import type { Configuration } from 'oidc-provider'
import type { Made } from './configuration.ts'
import { resourceFor } from './resources.ts'
import type { SigningKeys } from './signing-keys.ts'

/** S991: a document is believed for at most a day, and asked for at most twice a minute. */
const DOCUMENT_CACHE_S = { min: 30, max: 86_400 }

/** What of the provider is on. Whatever asks a browser to show something is not. */
export function featuresOf({
  settings,
  dpopNonces,
  keys,
  rooms,
  metadataRules,
  resources,
}: Made): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    claimsParameter: { enabled: false },
    introspection: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
    },
    pushedAuthorizationRequests: { enabled: true },
    registration: { enabled: settings.registration, issueRegistrationAccessToken: false },
    dPoP: {
      enabled: true,
      nonceSecret: derived(keys, 'dpop nonces'),
      requireNonce: () => dpopNonces,
    },
    clientIdMetadataDocument: {
      enabled: settings.metadataClients.from !== 'off',
      ack: 'draft-02',
      cacheDuration: DOCUMENT_CACHE_S,
      ...metadataRules,
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_ctx, _client, oneOf) =>
        oneOf ?? rooms.protected.all().find(({ view }) => view === '')?.url ?? [],
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, url, client) => resourceFor(resources, ctx, url, client),
    },
  }
}

/** AS24: no other path and no other host sees them, where there is https. */
export function cookiesOf({ issuer, keys }: Made): NonNullable<Configuration['cookies']> {
  const { protocol, pathname } = new URL(issuer)
  const isSecure = protocol === 'https:'
  const prefix = isSecure ? '__Secure-' : ''
  const common = { httpOnly: true, sameSite: 'lax', secure: isSecure, signed: true } as const
  return {
    names: {
      session: `${prefix}countersign-grants`,
      interaction: `${prefix}countersign-interaction`,
      resume: `${prefix}countersign-resume`,
    },
    long: { ...common, path: pathname },
    short: common,
    keys: keys.secrets().map((secret) => secret.toString('base64url')),
  }
}

const SECRET_BYTES = 32
const derived = (keys: SigningKeys, purpose: string): Buffer => {
  const [secret = Buffer.alloc(0)] = keys.secrets()
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, SECRET_BYTES))
}
