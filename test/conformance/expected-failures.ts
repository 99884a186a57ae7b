// What fails, and why it may. A listed scenario that passes fails the run, so the table stays true.

import { REVISIONS, type Leg } from './legs.ts'

export type ExpectedFailure = Pick<Leg, 'upstream' | 'revision'> & {
  /** Absent: directly and through the gateway. */
  readonly target?: Leg['target']
  /** Absent: over either transport. */
  readonly transport?: Leg['transport']
  readonly scenario: string
  readonly why: string
}

const TASKS_WHY =
  'SEP-1730: "Experimental features and protocol extensions (such as Tasks and MCP Apps) are not ' +
  'required for any tier." The fixtures offer no tool of io.modelcontextprotocol/tasks, ' +
  'of which their SDKs have no server half.'

/** The extension's scenarios but `tasks-status-notifications`, which the suite itself skips. */
const TASKS = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-mrtr-input',
  'tasks-request-headers',
  'tasks-dispatch-and-envelope',
  'tasks-required-task-error',
  'tasks-mrtr-composition',
]

export const EXPECTED_FAILURES: readonly ExpectedFailure[] = REVISIONS.flatMap((upstream) =>
  TASKS.map((scenario) => ({
    upstream,
    revision: '2026-07-28' as const,
    scenario,
    why: TASKS_WHY,
  })),
)

const agrees = <T>(wanted: T | undefined, actual: T): boolean =>
  wanted === undefined || wanted === actual

export const isExpectedToFail = (
  leg: Leg,
  scenario: string,
  table: readonly ExpectedFailure[] = EXPECTED_FAILURES,
): boolean =>
  table.some(
    (row) =>
      row.scenario === scenario &&
      row.upstream === leg.upstream &&
      row.revision === leg.revision &&
      agrees(row.target, leg.target) &&
      agrees(row.transport, leg.transport),
  )
