import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noStanding } from '#approvals'
import { noPayloads } from '#audit'
import type { TokenPrincipal } from '#auth'
import { systemWorld } from '#base'
import { noQuotas, noRuns } from '#policy'
import { noRedaction } from '#redaction'
import { noTelemetry } from '#telemetry'
import type { Asked, Client } from './asked.ts'
import { call, type CallRooms } from './call.ts'

const body = { name: 'rm', annotations: { destructiveHint: false } }
const definition = { server: 'files', kind: 'tool', name: 'rm', digest: 'sha256:1', body } as const
const found = {
  server: 'files',
  name: 'rm',
  exposed: { name: 'rm', body, definition, paramHeaders: [] },
}
const asked = {
  call: 'call_1',
  view: { id: 'files', servers: ['files'], find: () => found },
  method: 'tools/call',
  params: { name: 'rm', arguments: {} },
  round: { number: 1 },
} as unknown as Asked
const client = { label: 'test', signal: AbortSignal.abort() } as unknown as Client

const ada = (...scopes: readonly string[]): TokenPrincipal => ({
  id: 'https://idp.example#ada',
  proof: 'bearer',
  issuer: 'https://idp.example',
  subject: 'ada',
  scopes,
  actors: [],
  tokenId: 't',
  expiresAt: 0,
  stepUp: 'tool',
})

/** What came of it, and what happened on the way. */
async function comesOf(who: TokenPrincipal, isDenied: boolean) {
  const seen: string[] = []
  const rooms = {
    world: systemWorld,
    policy: {
      decide: (_who, judged) =>
        isDenied
          ? { kind: 'deny', because: 'Owners only.', policies: ['p'] }
          : { kind: 'allow', permitted: judged, policies: ['p'] },
    } satisfies CallRooms['policy'],
    ledger: {
      open: async () => {
        seen.push('opened')
        return {}
      },
      close: async (_entry: unknown, facts: { outcome: string }) => void seen.push(facts.outcome),
    },
    rules: () => ({}),
    standing: noStanding,
    runs: noRuns,
    payloads: noPayloads,
    quotas: noQuotas,
    stopped: () => undefined,
    redaction: noRedaction,
    telemetry: noTelemetry,
    upstream: () => ({
      spec: {},
      introduce: async () => undefined,
      call: async () => {
        seen.push('sent')
        return { kind: 'result', result: { content: [] } }
      },
    }),
    onEnd: () => undefined,
  } as unknown as CallRooms
  const outcome = await call(rooms, who, asked, client)
  return { seen, code: outcome.kind === 'refused' ? outcome.fault.code : outcome.kind }
}

test('a scope is not a permission, and a permission is not a scope', async () => {
  // RS16, SC3
  const able = ada('files:write')
  assert.deepEqual(await comesOf(able, false), {
    seen: ['opened', 'sent', 'answered'],
    code: 'answered',
  })
  // A denial is never dressed as a missing scope: asking for one would change nothing.
  assert.deepEqual(await comesOf(able, true), {
    seen: ['opened', 'refused'],
    code: 'policy/denied',
  })
  for (const isDenied of [false, true]) {
    const unable = await comesOf(ada('files:read'), isDenied)
    assert.deepEqual(unable, { seen: ['opened', 'refused'], code: 'auth/scope' })
  }
})

test('whoever comes back to a call has to hold what it needs still', async () => {
  // GV5
  const { code } = await comesOf(ada(), false)
  assert.equal(code, 'auth/scope')
  const { code: held } = await comesOf(ada('tool:files.rm'), false)
  assert.equal(held, 'answered')
})
