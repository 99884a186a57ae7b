// Which scenarios the official suite has for OAuth clients, and what it says about one.

import { fileURLToPath } from 'node:url'
import { run } from '../conformance/processes.ts'

const PROGRAM = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'),
)
const LIST_MS = 60_000
/** A whole house starts and stops in each; a busy machine takes its time. */
const CLIENT_MS = 120_000
const SCENARIO_MS = 180_000

const REVISIONS = ['2025-11-25', '2026-07-28'] as const

/** One scenario, at the revision that asks for it; extensions are tried at the newest. */
export type Turn = {
  readonly scenario: string
  readonly revision: (typeof REVISIONS)[number]
  readonly isExtension: boolean
}

export type Verdict = Turn & {
  readonly passed: number
  readonly failed: number
  readonly warnings: number
  readonly isPassed: boolean
  readonly said: string
}

/** Every client scenario about authorization that one of our revisions, or an extension, names. */
export async function turns(): Promise<Turn[]> {
  const said = await run([PROGRAM, 'list'], { verbose: false, limitMs: LIST_MS })
  return turnsIn(said)
}

export function turnsIn(list: string): Turn[] {
  const lines = [...list.matchAll(/^ {2}- (auth\/\S+) \[([^\]]+)\]/gm)]
  return lines.flatMap(([, scenario = '', tags = '']): Turn[] => {
    const named = tags.split(',')
    if (named.includes('extension')) {
      return [{ scenario, revision: '2026-07-28', isExtension: true }]
    }
    return REVISIONS.filter((revision) => named.includes(revision)).map((revision) => ({
      scenario,
      revision,
      isExtension: false,
    }))
  })
}

/** Plays one with a client that `driver` is. */
export async function play(turn: Turn, driver: string, results: string): Promise<Verdict> {
  const { scenario, revision, isExtension } = turn
  const args = ['client', '--command', `${process.execPath} ${driver}`, '--scenario', scenario]
  const limits = ['--timeout', String(CLIENT_MS)]
  const more = ['--spec-version', revision, '--output-dir', results, ...limits]
  const said = await run([PROGRAM, ...args, ...more, ...(isExtension ? ['--force'] : [])], {
    verbose: false,
    limitMs: SCENARIO_MS,
  })
  return { ...turn, ...verdictIn(said), said }
}

/** What no line says counts as failed: a scenario that showed nothing has not passed. */
export function verdictIn(said: string): Omit<Verdict, keyof Turn | 'said'> {
  const counts = /Passed: (\d+)\/\d+, (\d+) failed, (\d+) warnings/.exec(said)
  const [passed, failed, warnings] = [1, 2, 3].map((index) => Number(counts?.[index] ?? 0))
  const isPassed = failed === 0 && (passed ?? 0) > 0 && said.includes('OVERALL: PASSED')
  return { passed: passed ?? 0, failed: failed ?? 0, warnings: warnings ?? 0, isPassed }
}
