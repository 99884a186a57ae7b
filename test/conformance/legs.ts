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
  /** A server with tasks of its own, written with `@countersign/sdk`. Absent: without any. */
  readonly fixture?: 'kit'
}

const KIT = { upstream: '2026-07-28', revision: '2026-07-28', fixture: 'kit' } as const

/** A plain fixture speaks its own revision only, so directly there are no other pairs. */
export const DIRECT_LEGS: readonly Leg[] = [
  ...REVISIONS.map((revision): Leg => ({ target: 'direct', upstream: revision, revision })),
  { target: 'direct', ...KIT },
]

const pairs = REVISIONS.flatMap((upstream) =>
  REVISIONS.map((revision): Leg => ({ target: 'gateway', upstream, revision })),
)

export const GATEWAY_LEGS: readonly Leg[] = [
  ...pairs,
  ...pairs.map((leg): Leg => ({ ...leg, transport: 'stdio' })),
  { target: 'gateway', ...KIT },
  { target: 'gateway', ...KIT, transport: 'stdio' },
]

/** The upstream's name in the gateway's configuration: the last segment of its view's URL. */
export const serverName = ({ upstream, transport, fixture }: Leg): string =>
  [fixture ?? (upstream === '2025-11-25' ? 'old' : 'new'), ...(transport ? [transport] : [])].join(
    '-',
  )

export const legName = ({ target, upstream, revision, transport, fixture }: Leg): string =>
  [
    target,
    `client ${revision}`,
    `upstream ${upstream}${transport === undefined ? '' : ` (${transport})`}`,
    ...(fixture === undefined ? [] : [fixture]),
  ].join(', ')

/** Scenarios of `io.modelcontextprotocol/tasks`. */
export const isOfTasks = (scenario: string): boolean => scenario.startsWith('tasks-')

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

type Untasked = Pick<Leg, 'upstream'> & { readonly scenario: string; readonly why: string }

const NEEDS_A_TASK =
  'It demands -32021 of a tool that is nothing but a task. No tool of a server without tasks is: ' +
  'the gateway makes a task of any call and needs one of none (TX-002, TX-004).'

/** Scenarios of tasks that a server without any cannot show, even with a gateway that makes them. */
export const WITHOUT_TASKS: readonly Untasked[] = [
  ...REVISIONS.map((upstream) => ({
    upstream,
    scenario: 'tasks-required-task-error',
    why: NEEDS_A_TASK,
  })),
  {
    upstream: '2025-11-25',
    scenario: 'tasks-mrtr-composition',
    why:
      'It demands a round before the task. A 2025-11-25 server asks while its call is under way: a ' +
      'client with tasks is given that call as a task at once, and the question with it (TX-008).',
  },
  {
    upstream: '2026-07-28',
    scenario: 'tasks-lifecycle',
    why:
      'It demands a task that failed by an error of the protocol. SDK v2 of the plain fixture makes ' +
      'a tool result of whatever a tool throws, and a task with that is completed (TX-012).',
  },
]

/** Directly, a server without tasks has nothing to show of them. */
const hasTasks = ({ target, upstream, fixture }: Leg, scenario: string): boolean =>
  fixture !== undefined ||
  (target === 'gateway' &&
    !WITHOUT_TASKS.some((row) => row.upstream === upstream && row.scenario === scenario))

export const isMeaningful = (leg: Leg, scenario: string): boolean =>
  isOfTasks(scenario)
    ? hasTasks(leg, scenario)
    : leg.fixture === undefined &&
      !MEANINGLESS.some(
        (row) =>
          row.upstream === leg.upstream &&
          row.revision === leg.revision &&
          row.scenario === scenario,
      )
