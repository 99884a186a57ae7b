// The official suite, run as the program it is; its verdicts are read from the files it writes.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Revision } from './legs.ts'
import { run } from './processes.ts'
import type { Check, Played } from './report.ts'

const PROGRAM = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'),
)

/** A healthy run takes seconds; the suite itself gives up on a scenario after 30. */
const LIMIT_MS = 600_000

export type SuiteOptions = {
  readonly url: string
  readonly revision: Revision
  /** Absent: everything the revision's frozen requirements name, scored or not. */
  readonly scenarios?: readonly string[]
  readonly verbose: boolean
}

/** The server scenarios a revision's requirements name, those that are not scored included. */
export const scenariosOf = async (revision: Revision): Promise<string[]> => {
  const said = await run([PROGRAM, 'list', '--requirements', revision], {
    verbose: false,
    limitMs: LIMIT_MS,
  })
  const scored = /^Server scenarios.*\n((?: {2}- .+\n)+)/m.exec(said)?.[1] ?? ''
  return [
    ...[...scored.matchAll(/^ {2}- (\S+)/gm)].map((match) => match[1] ?? ''),
    ...[...said.matchAll(/^ {4}- (\S+) \[server\]/gm)].map((match) => match[1] ?? ''),
  ]
}

/** Result directories are named after the scenario and the second it started in. */
const scenarioOf = (directory: string): string | undefined =>
  /^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/.exec(directory)?.[1]

const checksIn = async (results: string): Promise<Map<string, Check[]>> => {
  const checks = new Map<string, Check[]>()
  const directories = await readdir(results)
  await Promise.all(
    directories.map(async (directory) => {
      const scenario = scenarioOf(directory)
      if (scenario === undefined) return
      const written = await readFile(join(results, directory, 'checks.json'), 'utf8').catch(
        () => undefined,
      )
      if (written !== undefined) checks.set(scenario, JSON.parse(written))
    }),
  )
  return checks
}

/** The suite writes no file for a scenario that threw: its name in the output is the only trace. */
const thrown = (scenario: string): Check => ({
  id: scenario,
  status: 'FAILURE',
  errorMessage: 'The suite could not run the scenario to its end',
})

/** Requirements decide what runs; a single scenario runs as under them (--force: extensions too). */
const selectionsOf = ({ revision, scenarios }: SuiteOptions): readonly (readonly string[])[] =>
  scenarios === undefined
    ? [['--requirements', revision]]
    : scenarios.map((scenario) => ['--scenario', scenario, '--spec-version', revision, '--force'])

export const play = async (options: SuiteOptions): Promise<Played[]> => {
  const { url, scenarios, verbose } = options
  const results = await mkdtemp(join(tmpdir(), 'countersign-conformance-'))
  try {
    const words: string[] = []
    for (const selection of selectionsOf(options)) {
      const args = [PROGRAM, 'server', '--url', url, '--output-dir', results, ...selection]
      // One after the other: the suite has deadlines.
      // oxlint-disable-next-line eslint/no-await-in-loop
      words.push(await run(args, { verbose, limitMs: LIMIT_MS }))
    }
    const said = words.join('')
    const named = [...said.matchAll(/^=== Running scenario: (\S+) ===$/gm)].map(
      (match) => match[1] ?? '',
    )
    const played = scenarios ?? named
    if (played.length === 0) throw new Error(`The suite ran nothing:\n${said}`)
    const checks = await checksIn(results)
    return played.map((name) => ({ scenario: name, checks: checks.get(name) ?? [thrown(name)] }))
  } finally {
    await rm(results, { recursive: true, force: true })
  }
}
