// How a server of each scenario is configured; what is not here is what anybody would write.

import { Secret } from '../../packages/server/src/base/index.ts'
import type { ServerAuth } from '../../packages/server/src/vault/index.ts'

/** What the suite tells the client under test: ids, secrets and statements that it made up. */
export const CONTEXT: Readonly<Record<string, string | undefined>> = JSON.parse(
  process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}',
)

/** The document that the suite expects, and where its authorization servers send browsers back to. */
export const DOCUMENT_URL = 'https://conformance-test.local/client-metadata.json'
export const REDIRECT_URL = 'http://localhost:3000/callback'

const said = (name: string): string => CONTEXT[name] ?? ''

const PLANS: Readonly<Record<string, () => Partial<ServerAuth>>> = {
  'auth/pre-registration': () => ({
    client: { id: said('client_id'), secret: new Secret(said('client_secret')) },
  }),
  'auth/client-credentials-basic': () => ({
    per: 'service',
    grant: 'client_credentials',
    client: { id: said('client_id'), secret: new Secret(said('client_secret')) },
  }),
  'auth/client-credentials-jwt': () => ({
    per: 'service',
    grant: 'client_credentials',
    client: {
      id: said('client_id'),
      key: { pem: new Secret(said('private_key_pem')), algorithm: said('signing_algorithm') },
    },
  }),
  'auth/enterprise-managed-authorization': () => ({
    grant: 'id_jag',
    client: { id: said('client_id'), secret: new Secret(said('client_secret')) },
    identityProvider: { tokenUrl: said('idp_token_endpoint'), clientId: said('idp_client_id') },
  }),
  'auth/wif-jwt-bearer': () => ({
    per: 'service',
    grant: 'workload',
    client: { id: said('client_id') },
    statement: { command: [process.execPath, '-p', JSON.stringify(said('valid_jwt'))] },
  }),
}

export const authFor = (scenario: string): ServerAuth => ({
  per: 'principal',
  grant: 'authorization_code',
  ...PLANS[scenario]?.(),
})

/** The same, as it is written in a configuration. */
export function writtenFor(scenario: string): Readonly<Record<string, unknown>> {
  const { per, grant, client, identityProvider, statement } = authFor(scenario)
  return {
    per,
    grant,
    clientId: client?.id,
    clientSecret: client?.secret?.reveal(),
    clientKey: client?.key?.pem.reveal(),
    clientKeyAlgorithm: client?.key?.algorithm,
    identityProvider,
    statement,
  }
}
