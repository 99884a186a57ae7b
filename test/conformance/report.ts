// From the suite's checks to rows, and from rows to a verdict. Pure.

import { isExpectedToFail, type ExpectedFailure } from './expected-failures.ts'
import { isMeaningful, legName, type Leg } from './legs.ts'

/** What the suite says about one check. */
export type Check = {
  readonly id: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  readonly errorMessage?: string
}

/** What the suite did with one scenario. */
export type Played = { readonly scenario: string; readonly checks: readonly Check[] }

/** One line of report.json; a stdio upstream is told by the optional `transport`. */
export type Row = Leg & {
  readonly scenario: string
  readonly passed: number
  readonly failed: number
  readonly warnings: number
  readonly expectedFailure: boolean
}

export type Outcome = 'passed' | 'failed' | 'expected' | 'stale' | 'skipped'

export const toRow = (
  leg: Leg,
  { scenario, checks }: Played,
  table?: readonly ExpectedFailure[],
): Row => {
  const count = (status: Check['status']) =>
    checks.filter((check) => check.status === status).length
  return {
    ...leg,
    scenario,
    passed: count('SUCCESS'),
    failed: count('FAILURE'),
    warnings: count('WARNING'),
    expectedFailure: isExpectedToFail(leg, scenario, table),
  }
}

export const toRows = (leg: Leg, played: readonly Played[]): Row[] =>
  played.filter(({ scenario }) => isMeaningful(leg, scenario)).map((one) => toRow(leg, one))

export const outcomeOf = ({ passed, failed, warnings, expectedFailure }: Row): Outcome => {
  if (failed > 0) return expectedFailure ? 'expected' : 'failed'
  if (expectedFailure) return 'stale'
  // The suite reports a requirement of SHOULD as a warning: it was checked, and nothing failed.
  return passed + warnings === 0 ? 'skipped' : 'passed'
}

/** The direct row a gateway row must equal: same scenario, both sides of one era, over HTTP. */
const twinOf = (row: Row, rows: readonly Row[]): Row | undefined => {
  if (row.target !== 'gateway' || row.transport !== undefined) return undefined
  return rows.find(
    (one) =>
      one.target === 'direct' &&
      one.fixture === row.fixture &&
      one.scenario === row.scenario &&
      one.upstream === row.upstream &&
      one.revision === row.revision,
  )
}

const problemOf = (row: Row, rows: readonly Row[]): string | undefined => {
  const outcome = outcomeOf(row)
  if (outcome === 'stale') return 'is expected to fail and does not: remove the expectation'
  if (outcome === 'failed') return `fails (${row.failed} of ${row.failed + row.passed} checks)`
  const twin = twinOf(row, rows)
  // No expectation excuses what the gateway breaks.
  return twin?.failed === 0 && row.failed > 0 ? 'passes directly, not through us' : undefined
}

/** Everything that makes the run fail; empty means it may pass. */
export const problemsIn = (rows: readonly Row[], legs: readonly Leg[]): string[] => [
  ...rows.flatMap((row) => {
    const problem = problemOf(row, rows)
    return problem === undefined ? [] : [`${legName(row)}: ${row.scenario} ${problem}`]
  }),
  ...legs
    .filter((leg) => !rows.some((row) => legName(row) === legName(leg) && row.passed > 0))
    .map((leg) => `${legName(leg)}: not a single check passed`),
]

const counts = ({ passed, warnings }: Row) => `${passed} passed, ${warnings} warnings`

/** Where the gateway fails nothing and still shows less than the server itself does. */
export const differencesIn = (rows: readonly Row[]): string[] =>
  rows.flatMap((row) => {
    const twin = twinOf(row, rows)
    if (twin === undefined || row.failed > 0) return []
    if (twin.passed === row.passed && twin.warnings === row.warnings) return []
    return [`${legName(row)}: ${row.scenario}: ${counts(row)}; directly ${counts(twin)}`]
  })

export const countOf = (rows: readonly Row[], outcome: Outcome): number =>
  rows.filter((row) => outcomeOf(row) === outcome).length

const MARKS: Readonly<Record<Outcome, string>> = {
  passed: 'ok',
  failed: 'FAIL',
  expected: 'xfail',
  stale: 'STALE',
  skipped: 'skip',
}
const COLUMN = 9
const year = (revision: string) => revision.slice(0, 4)

/** Scenarios down, legs across. */
export const tableOf = (rows: readonly Row[], legs: readonly Leg[]): string => {
  const scenarios = [...new Set(rows.map(({ scenario }) => scenario))]
  const width = Math.max(...scenarios.map(({ length }) => length), 'scenario'.length) + 2
  const line = (head: string, cells: readonly string[]) =>
    (head.padEnd(width) + cells.map((cell) => cell.padEnd(COLUMN)).join('')).trimEnd()
  const markOf = (scenario: string) => (leg: Leg) => {
    if (!isMeaningful(leg, scenario)) return 'n/a'
    const row = rows.find((one) => one.scenario === scenario && legName(one) === legName(leg))
    return row === undefined ? '' : MARKS[outcomeOf(row)]
  }
  const total = (outcome: Outcome) =>
    line(
      outcome,
      legs.map((leg) =>
        String(
          countOf(
            rows.filter((row) => legName(row) === legName(leg)),
            outcome,
          ),
        ),
      ),
    )
  return [
    line(
      'asked',
      legs.map(({ target }) => target),
    ),
    line(
      'client',
      legs.map(({ revision }) => year(revision)),
    ),
    line(
      'upstream',
      legs.map(({ upstream, fixture }) => fixture ?? year(upstream)),
    ),
    line(
      'over',
      legs.map(({ transport }) => transport ?? 'http'),
    ),
    '',
    ...scenarios.map((scenario) => line(scenario, legs.map(markOf(scenario)))),
    '',
    ...(['passed', 'failed', 'expected', 'stale', 'skipped'] as const).map(total),
  ].join('\n')
}
