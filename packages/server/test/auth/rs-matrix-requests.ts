// Rows of the matrix about how a token is shown: with which scopes, where, and with which proof.

import { exportJWK } from 'jose'
import { legacy, modern, rpc } from '../stories/raw.ts'
import { makeKey, seconds } from './fake-issuer.ts'
import { proofMaker } from './guarded-house.ts'
import {
  ath,
  bad,
  bench,
  bound,
  boundTo,
  call,
  malformed,
  NO_TOKEN,
  OK,
  short,
  unproven,
  type Row,
  type Shown,
} from './rs-matrix.ts'

const now = seconds()

export const SCOPES: readonly Row[] = [
  ['with no scope', 'RS13, SC1', () => ({ claims: { scope: undefined } }), short('tool:peer.echo')],
  [
    'with a scope to look',
    'RS13, RS14, SC2',
    () => ({ claims: { scope: 'mcp:discover' } }),
    short('tool:peer.echo'),
  ],
  [
    'with the scope of another tool',
    'RS15',
    () => ({ claims: { scope: 'tool:peer.seen' } }),
    short('tool:peer.echo'),
  ],
  [
    'with the class of another server',
    'RS15',
    () => ({ claims: { scope: 'other:admin' } }),
    short('tool:peer.echo'),
  ],
  [
    'with a class that is too narrow',
    'RS15',
    () => ({ claims: { scope: 'peer:read' }, body: call('seen') }),
    short('tool:peer.seen'),
  ],
  [
    'with a wild card',
    'RS15',
    () => ({ claims: { scope: 'peer:* tool:peer.*' } }),
    short('tool:peer.echo'),
  ],
  ['with a broader class', 'RS15', () => ({ claims: { scope: 'peer:admin' } }), OK],
  [
    'in the era that keeps none, with what it holds',
    'RS14b, CO6',
    () => ({
      claims: { scope: 'mcp:discover tool:peer.seen' },
      body: legacy(
        rpc('initialize', {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'x', version: '1' },
        }),
      ),
    }),
    OK,
  ],
  [
    'to look, with nothing of ours',
    'RS13',
    () => ({ claims: { scope: 'openid' }, body: modern('tools/list') }),
    short('mcp:discover'),
  ],
]

export const SHOWN: readonly Row[] = [
  ['not shown', 'RS30, RS3, SC4', () => ({ authorization: () => undefined }), NO_TOKEN],
  ['shown as a password', 'RS30', () => ({ authorization: () => 'Basic YTpi' }), NO_TOKEN],
  ['shown empty', 'RS12', () => ({ authorization: () => 'Bearer' }), malformed],
  [
    'shown with another word',
    'RS12',
    (): Partial<Shown> => ({ authorization: (token) => `Bearer ${token} x` }),
    malformed,
  ],
  [
    'shown in two headers',
    'RS12',
    () => ({ authorization: (token) => [`Bearer ${token}`, `Bearer ${token}`] }),
    malformed,
  ],
  [
    'shown in the URL',
    'RS11',
    () => ({ authorization: () => undefined, query: '?access_token=x' }),
    malformed,
  ],
  ['shown in the URL too', 'RS11', () => ({ query: '?access_token=x' }), malformed],
  ['shown with GET, without a session', 'RS10', () => ({ method: 'GET' }), { status: 405 }],
  [
    'not shown with GET',
    'RS10',
    () => ({ method: 'GET', authorization: () => undefined }),
    NO_TOKEN,
  ],
  [
    'not shown with DELETE',
    'RS10',
    () => ({ method: 'DELETE', authorization: () => undefined }),
    NO_TOKEN,
  ],
  [
    'for somebody with the admin’s token',
    'AT8',
    () => ({ authorization: () => `Bearer ${bench.house.house.adminToken.reveal()}` }),
    bad(/not understood/),
  ],
]

export const PROOFS: readonly Row[] = [
  ['bound, with its proof', 'DP2', bound(), OK],
  [
    'bound, shown as a bearer token',
    'DP10',
    () => ({ claims: { cnf: { jkt: bench.jkt } } }),
    bad(/bound to a key/),
  ],
  [
    'bound, as a bearer token with its proof',
    'DP10',
    boundTo({ authorization: (token) => `Bearer ${token}` }),
    bad(/bound to a key/),
  ],
  ['not bound, with a proof', 'DP10', boundTo({ claims: {} }), bad(/bound to no key/)],
  [
    'not bound, where all must be',
    'DP10',
    () => ({ by: bench.bindsOnly }),
    unproven(/bound to a key/),
  ],
  [
    'bound, for another view',
    'DP6',
    () => ({ ...bound()(), claims: { cnf: { jkt: bench.jkt }, aud: bench.house.audience() } }),
    bad(/audience/),
  ],
  [
    'bound, without its proof',
    'DP4',
    boundTo({ proof: undefined }),
    unproven(/needs a DPoP proof/),
  ],
  [
    'bound, with two proofs',
    'DP2',
    boundTo({
      proof: async (token) => [
        await bench.maker.prove({ token }),
        await bench.maker.prove({ token }),
      ],
    }),
    unproven(/More than one/),
  ],
  [
    'bound, with a proof that is none',
    'DP2',
    boundTo({ proof: async () => 'a.b.c' }),
    unproven(/malformed/),
  ],
  ['bound, with a proof for GET', 'DP2', bound({ htm: 'GET' }), unproven(/another method/)],
  [
    'bound, with a proof for another path',
    'DP2',
    bound({ htu: 'http://127.0.0.1/mcp' }),
    unproven(/another URL/),
  ],
  [
    'bound, with a proof for a name we have not',
    'DP2',
    bound({ htu: 'https://evil.example/mcp/peer' }),
    unproven(/another URL/),
  ],
  [
    'bound, with a proof for another token',
    'DP2',
    bound({ ath: ath('another') }),
    unproven(/another token/),
  ],
  ['bound, with a proof for no token', 'DP2', bound({ ath: undefined }), unproven(/another token/)],
  [
    'bound, with a proof of six minutes ago',
    'DP3',
    bound({ iat: now - 360 }),
    unproven(/not of this time/),
  ],
  [
    'bound, with a proof of six minutes ahead',
    'DP3',
    bound({ iat: now + 360 }),
    unproven(/not of this time/),
  ],
  ['bound, with a proof of four minutes ago', 'DP3', bound({ iat: now - 240 }), OK],
  ['bound, with a proof without an id', 'DP2', bound({ jti: undefined }), unproven(/malformed/)],
  ['bound, with a proof typed JWT', 'DP2', bound({}, { typ: 'JWT' }), unproven(/malformed/)],
  [
    'bound, with a proof without its key',
    'DP2',
    bound({}, { jwk: undefined }),
    unproven(/malformed/),
  ],
  [
    'bound, with a proof that shows a private key',
    'DP2',
    boundTo({
      proof: async (token) =>
        bench.maker.prove({ token, header: { jwk: await exportJWK(bench.key.privateKey) } }),
    }),
    unproven(/malformed/),
  ],
  [
    'bound, with a proof of another key',
    'DP2',
    boundTo({
      proof: async (token) =>
        proofMaker(await makeKey(), bench.house.audience('peer')).prove({ token }),
    }),
    unproven(/another key/),
  ],
  [
    'bound, with a digest of the body in its proof',
    'DP11, CO7',
    bound({ content_digest: 'sha-256=:x:' }),
    OK,
  ],
]
