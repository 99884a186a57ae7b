// Rows of the matrix about what a token is: for whom, of which kind, by which key, at which time.

import { SignJWT, UnsecuredJWT } from 'jose'
import { makeKey, seconds } from './fake-issuer.ts'
import { bad, bench, OK, type Row } from './rs-matrix.ts'

export const AUDIENCES: readonly Row[] = [
  ['for this view', 'RS7, AT1', () => ({}), OK],
  [
    'for this view among others',
    'RS9',
    () => ({ claims: { aud: ['x', bench.house.audience('peer')] } }),
    OK,
  ],
  [
    'for the view of all servers',
    'AT2, RS9',
    () => ({ claims: { aud: bench.house.audience() } }),
    bad(/audience/),
  ],
  [
    'for one view, at that of all servers',
    'AT1, RS9',
    () => ({ view: '', claims: { aud: bench.house.audience('peer') } }),
    bad(/audience/),
  ],
  [
    'for another view',
    'AT1',
    () => ({ claims: { aud: bench.house.audience('other') } }),
    bad(/audience/),
  ],
  [
    'for this view with a slash more',
    'RS28',
    () => ({ claims: { aud: `${bench.house.audience('peer')}/` } }),
    bad(/audience/),
  ],
  [
    'for a path below this view',
    'AT1',
    () => ({ claims: { aud: `${bench.house.audience('peer')}/x` } }),
    bad(/audience/),
  ],
  [
    'for this origin',
    'RS9',
    () => ({ claims: { aud: new URL(bench.house.audience()).origin } }),
    bad(/audience/),
  ],
  [
    'for the metadata of this view',
    'RS9',
    () => ({
      claims: {
        aud: `${new URL(bench.house.audience()).origin}/.well-known/oauth-protected-resource/mcp/peer`,
      },
    }),
    bad(/audience/),
  ],
  [
    'for an upstream server',
    'RS8, AT7',
    () => ({ claims: { aud: 'https://upstream.example/mcp' } }),
    bad(/audience/),
  ],
  ['for the client itself', 'AT6', () => ({ claims: { aud: 'story' } }), bad(/audience/)],
  ['for its own issuer', 'AT5', () => ({ claims: { aud: bench.issuer.issuer } }), bad(/audience/)],
  ['for nobody', 'RS9', () => ({ claims: { aud: undefined } }), bad(/aud/)],
  ['for an empty list', 'RS9', () => ({ claims: { aud: [] } }), bad(/aud/)],
]

export const KINDS: readonly Row[] = [
  ['typed JWT', 'RS7', () => ({ header: { typ: 'JWT' } }), bad(/no access token/)],
  ['typed nothing', 'RS7', () => ({ header: { typ: undefined } }), bad(/no access token/)],
  ['typed in full', 'RS7', () => ({ header: { typ: 'application/at+jwt' } }), OK],
  [
    'that is a statement of an enterprise',
    'AT3',
    () => ({ header: { typ: 'oauth-id-jag+jwt' } }),
    bad(/no access token/),
  ],
  [
    'that is an identity of a platform',
    'AT4',
    () => ({ header: { typ: undefined }, claims: { sub: 'spiffe://example/agent' } }),
    bad(/no access token/),
  ],
  [
    'that is a client’s assertion',
    'AT5',
    () => ({
      header: { typ: 'client-authentication+jwt' },
      claims: { iss: 'story', sub: 'story' },
    }),
    bad(/issuer/),
  ],
  [
    'that is an identity token',
    'AT6',
    () => ({ claims: { nonce: 'n', at_hash: 'x' } }),
    bad(/no access token/),
  ],
  ['that is a proof', 'DP2', () => ({ header: { typ: 'dpop+jwt' } }), bad(/no access token/)],
  [
    'that says nothing to us',
    'RS8',
    () => ({ authorization: () => 'Bearer opaque-text' }),
    bad(/not understood/),
  ],
  ['of another issuer', 'RS8', () => ({ by: bench.stranger }), bad(/issuer/)],
  [
    'of another bench.issuer, in the name of ours',
    'RS8',
    () => ({ by: bench.stranger, claims: { iss: bench.issuer.issuer } }),
    bad(/unknown key/),
  ],
  [
    'of our bench.issuer with a slash',
    'RS8',
    () => ({ claims: { iss: `${bench.issuer.issuer}/` } }),
    bad(/issuer/),
  ],
]

export const KEYS: readonly Row[] = [
  [
    'signed with an algorithm of ours, not of its issuer',
    'RS7',
    async () => ({ key: await makeKey('ES384') }),
    bad(/algorithm/),
  ],
  ['signed with an unknown key', 'RS7', async () => ({ key: await makeKey() }), bad(/unknown key/)],
  [
    'signed with another key of the same name',
    'RS7',
    async () => ({ key: { ...(await makeKey()), kid: bench.issuer.keys[0]?.kid ?? '' } }),
    bad(/signature/),
  ],
  [
    'that brings its own key',
    'RS7',
    async () => {
      const own = await makeKey()
      return { key: own, header: { jwk: own.jwk } }
    },
    bad(/unknown key/),
  ],
  [
    'not signed',
    'RS7',
    () => ({
      authorization: () =>
        `Bearer ${new UnsecuredJWT({ iss: bench.issuer.issuer, sub: 'ada', aud: bench.house.audience('peer') }).setExpirationTime('5m').encode()}`,
    }),
    bad(/algorithm|malformed/),
  ],
  [
    'signed with a public key as its secret',
    'RS7',
    async () => {
      const secret = new TextEncoder().encode(JSON.stringify(bench.issuer.keys[0]?.jwk))
      const forged = await new SignJWT({
        aud: bench.house.audience('peer'),
        client_id: 'x',
        jti: 'j',
        sub: 'ada',
      })
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
        .setIssuer(bench.issuer.issuer)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(secret)
      return { authorization: () => `Bearer ${forged}` }
    },
    bad(/algorithm/),
  ],
  [
    'that was changed',
    'RS7',
    () => ({ authorization: (token) => `Bearer ${token.slice(0, -8)}AAAAAAAA` }),
    bad(/signature/),
  ],
]

const now = seconds()
export const TIMES: readonly Row[] = [
  ['that expired within the skew', 'RS7', () => ({ claims: { exp: seconds() - 5 } }), OK],
  ['that expired', 'RS7', () => ({ claims: { exp: now - 120 } }), bad(/expired/)],
  ['that never expires', 'RS7', () => ({ claims: { exp: undefined } }), bad(/exp/)],
  ['that is not valid yet', 'RS7', () => ({ claims: { nbf: now + 600 } }), bad(/not valid yet/)],
  ['issued in the future', 'RS7', () => ({ claims: { iat: now + 600 } }), bad(/future/)],
]
