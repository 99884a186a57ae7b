import { questionIn, type Case } from './case.ts'
import type { PolicyEngine } from './engine.ts'
import { clockOf } from './moment.ts'

/** The cases of one file, read. */
export interface Cases {
  readonly name: string
  readonly timeZone?: string | undefined
  readonly cases: readonly Case[]
}

/** What a set says to one case, beside what it must say. */
export interface CaseResult {
  readonly file: string
  readonly name: string
  readonly isAsExpected: boolean
  readonly expected: string
  readonly got: string
}

/** Asks a set every question of the cases beside it. */
export const runCases = (
  engine: PolicyEngine,
  files: readonly Cases[],
  timeZone: string,
): readonly CaseResult[] =>
  files.flatMap((file) => {
    const momentAt = clockOf(file.timeZone ?? timeZone)
    return file.cases.map((one) => ({ file: file.name, ...resultOf(engine, one, momentAt) }))
  })

const said = (kind: string, by: readonly string[] | undefined): string =>
  by === undefined ? kind : `${kind} by ${by.length === 0 ? 'no policy' : by.toSorted().join(', ')}`

function resultOf(
  engine: PolicyEngine,
  one: Case,
  momentAt: ReturnType<typeof clockOf>,
): Omit<CaseResult, 'file'> {
  const asked = questionIn(one, momentAt)
  const { name, expect, policies } = one
  if (expect === 'listed' || expect === 'hidden') {
    const got = engine.isListed(asked) ? 'listed' : 'hidden'
    return { name, isAsExpected: got === expect, expected: expect, got }
  }
  const verdict = engine.judge(asked)
  const got = said(verdict.kind, policies && verdict.policies)
  const expected = said(expect, policies)
  return { name, isAsExpected: got === expected, expected, got }
}
