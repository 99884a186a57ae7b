// What fails, and why it may. A listed scenario that passes fails the run, so the table stays true.

import type { Leg } from './legs.ts'

export type ExpectedFailure = Pick<Leg, 'upstream' | 'revision'> & {
  /** Absent: directly and through the gateway. */
  readonly target?: Leg['target']
  /** Absent: over either transport. */
  readonly transport?: Leg['transport']
  readonly scenario: string
  readonly why: string
}

export const EXPECTED_FAILURES: readonly ExpectedFailure[] = []

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
