// Official clients with no person behind them: the way in, and one scope more when a tool needs it.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  Client,
  CrossAppAccessProvider,
  StreamableHTTPClientTransport,
  type OAuthClientProvider,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client'
import { decodeJwt } from 'jose'
import { JWT_BEARER } from '../../src/auth/grants/make-grants.ts'
import { startIssuer, type FakeIssuer } from './fake-issuer.ts'
import { openGuarded, PEER, type GuardedHouse } from './guarded-house.ts'

let platform: FakeIssuer
let house: GuardedHouse
const stack = new AsyncDisposableStack()
before(async () => {
  platform = stack.use(await startIssuer())
  house = stack.use(
    await openGuarded({
      servers: { peer: PEER },
      auth: {
        embedded: {
          workloads: {
            ci: {
              issuer: platform.issuer,
              rules: [{ claims: { sub: 'builder' }, views: ['peer'], scopes: ['peer:write'] }],
            },
          },
          enterprises: [{ issuer: platform.issuer, views: ['peer'], scopes: ['peer:write'] }],
        },
      },
    }),
  )
})
after(() => stack.disposeAsync())

const issuer = (): string => `http://127.0.0.1:${house.port}/oauth`

/** As the SDK's documentation has it for identities of platforms. */
function workloadProvider(): OAuthClientProvider & { readonly asked: (string | undefined)[] } {
  let saved: StoredOAuthTokens | undefined
  const asked: (string | undefined)[] = []
  return {
    asked,
    redirectUrl: undefined,
    clientMetadata: { redirect_uris: [], client_name: 'job' },
    clientInformation: () => ({ client_id: 'job', issuer: issuer() }),
    tokens: () => saved,
    saveTokens: (tokens) => {
      saved = tokens
    },
    redirectToAuthorization: () => assert.fail('nobody is there to be asked'),
    saveCodeVerifier: () => undefined,
    codeVerifier: () => '',
    prepareTokenRequest: async (scope) => {
      asked.push(scope)
      const assertion = await platform.mint({
        header: { typ: 'JWT' },
        claims: { sub: 'builder', aud: issuer(), client_id: undefined, scope: undefined },
      })
      return new URLSearchParams({
        grant_type: JWT_BEARER,
        assertion,
        ...(scope === undefined ? {} : { scope }),
      })
    },
  }
}

async function connected(authProvider: OAuthClientProvider, mode: 'legacy' | 'auto') {
  const client = new Client({ name: 'job', version: '1' }, { versionNegotiation: { mode } })
  await client.connect(new StreamableHTTPClientTransport(house.at('peer'), { authProvider }))
  return { client, [Symbol.asyncDispose]: () => client.close() }
}

for (const [era, mode] of [
  ['2025-11-25', 'legacy'],
  ['2026-07-28', 'auto'],
] as const) {
  describe(`an official client of ${era} without a person`, () => {
    // WI1, WI4, RS13
    it('comes in with the identity of its platform, and asks for more when it needs it', async () => {
      const provider = workloadProvider()
      await using inside = await connected(provider, mode)
      assert.equal(inside.client.getNegotiatedProtocolVersion(), era)
      assert.deepEqual(provider.asked, ['mcp:discover'])
      await inside.client.callTool({ name: 'echo', arguments: {} })
      await inside.client.callTool({ name: 'seen', arguments: {} })
      assert.ok(provider.asked.length >= 3, provider.asked.join('; '))
      assert.match(provider.asked.at(-1) ?? '', /tool:peer\.seen/)
      const tokens = await provider.tokens()
      assert.equal(decodeJwt(tokens?.access_token ?? '').sub, 'workload:ci:builder')
    })

    // AS29, AS35
    it('comes in at the word of an enterprise', async () => {
      const made = await house.house.admin.addClient({
        name: 'Agent',
        method: 'client_secret_basic',
        redirectUris: ['https://agent.example/back'],
      })
      const provider = new CrossAppAccessProvider({
        clientId: made.client.id,
        clientSecret: made.secret ?? '',
        expectedIssuer: issuer(),
        assertion: async ({ resourceUrl }) =>
          platform.mint({
            header: { typ: 'oauth-id-jag+jwt' },
            claims: {
              aud: issuer(),
              client_id: made.client.id,
              resource: resourceUrl,
              scope: 'mcp:discover peer:write',
            },
          }),
      })
      await using inside = await connected(provider, mode)
      await inside.client.callTool({ name: 'echo', arguments: {} })
      const token = provider.tokens()?.access_token ?? ''
      assert.equal(decodeJwt(token).sub, `${platform.issuer}#ada`)
    })
  })
}
