// Which pairs of client and server the suite runs on, and which scenarios make no sense on a pair.

export const REVISIONS = ['2025-11-25', '2026-07-28'] as const
export type Revision = (typeof REVISIONS)[number]
type Target = 'direct' | 'gateway'

/** One run of the suite: who is asked, who stands behind, and what the client speaks. */
export type Leg = {
  readonly target: Target
  readonly upstream: Revision
  readonly revision: Revision
  /** Absent: Streamable HTTP between gateway and upstream. */
  readonly transport?: 'stdio'
}

/** A fixture speaks its own revision only, so directly there are no other pairs. */
export const DIRECT_LEGS: readonly Leg[] = REVISIONS.map((revision) => ({
  target: 'direct',
  upstream: revision,
  revision,
}))

const pairs = REVISIONS.flatMap((upstream) =>
  REVISIONS.map((revision): Leg => ({ target: 'gateway', upstream, revision })),
)

export const GATEWAY_LEGS: readonly Leg[] = [
  ...pairs,
  ...pairs.map((leg): Leg => ({ ...leg, transport: 'stdio' })),
]

/** The upstream's name in the gateway's configuration: the last segment of its view's URL. */
export const serverName = ({ upstream, transport }: Leg): string =>
  `${upstream === '2025-11-25' ? 'old' : 'new'}${transport === undefined ? '' : '-stdio'}`

export const legName = ({ target, upstream, revision, transport }: Leg): string =>
  [
    target,
    `client ${revision}`,
    `upstream ${upstream}${transport === undefined ? '' : ` (${transport})`}`,
  ].join(', ')

type Meaningless = Pick<Leg, 'upstream' | 'revision'> & {
  readonly scenario: string
  readonly why: string
}

const KEYLESS = { upstream: '2025-11-25', revision: '2026-07-28' } as const

/** Scenarios whose demand cannot reach the other era; everything else runs on every pair. */
export const MEANINGLESS: readonly Meaningless[] = [
  {
    ...KEYLESS,
    scenario: 'input-required-result-basic-elicitation',
    why:
      'It demands the key "user_name". "Keys are server-assigned string identifiers" (2026-07-28 ' +
      'Multi Round-Trip Requests, InputRequests); a 2025-11-25 request has an id and no key, so ' +
      'a bridge assigns its own (BR-032).',
  },
  {
    ...KEYLESS,
    scenario: 'input-required-result-ignore-extra-params',
    why:
      'It answers "user_name" before anything was asked. "Keys correspond to the keys in the ' +
      'InputRequests map" (2026-07-28 Multi Round-Trip Requests, InputResponses), and what a ' +
      '2025-11-25 server will ask has no such key: all of them are ignored (BR-032, I-009).',
  },
  {
    ...KEYLESS,
    scenario: 'input-required-result-capability-check',
    why:
      'It demands that the server adapts to what this one request declares. "Capability negotiation ' +
      'establishes which optional protocol features will be available during the session" ' +
      '(2025-11-25 Lifecycle): a legacy server is told once, for all clients, and learns by a ' +
      'refusal what one of them cannot do (V-052, docs/decisions/0003).',
  },
]

export const isMeaningful = ({ upstream, revision }: Leg, scenario: string): boolean =>
  !MEANINGLESS.some(
    (row) => row.upstream === upstream && row.revision === revision && row.scenario === scenario,
  )
