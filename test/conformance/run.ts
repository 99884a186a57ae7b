// `npm run conformance`: the official MCP suite against our fixtures, directly and through us.

import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  DIRECT_LEGS,
  GATEWAY_LEGS,
  isMeaningful,
  isOfTasks,
  legName,
  MEANINGLESS,
  REVISIONS,
  serverName,
  WITHOUT_TASKS,
  type Leg,
} from './legs.ts'
import {
  countOf,
  differencesIn,
  outcomeOf,
  problemsIn,
  tableOf,
  toRow,
  toRows,
  type Played,
  type Row,
} from './report.ts'
import { play, scenariosOf } from './suite.ts'
import { startFixtures, startGateway } from './targets.ts'

const HELP = `The official MCP conformance suite, directly and through the gateway.

  node test/conformance/run.ts [options]

  --direct           the fixtures only
  --gateway          through the gateway only
  --scenario NAME    one scenario, wherever its revision asks for it (writes no report)
  --verbose          everything the suite and the servers say
  --help             this

Writes report.json beside this file. Exits with 1 when a scenario fails that is not expected to, one
that is expected to fails no more, the gateway breaks what works directly, or a run showed nothing.`

const REPORT = fileURLToPath(new URL('report.json', import.meta.url))

const { values: options } = parseArgs({
  options: {
    direct: { type: 'boolean', default: false },
    gateway: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const say = (words: string): void => void process.stdout.write(`${words}\n`)

/** Legs on which the one wanted scenario is asked for; all of them when none is named. */
const wanted = async (legs: readonly Leg[]): Promise<readonly Leg[]> => {
  const { scenario } = options
  if (scenario === undefined) return legs
  const named = await Promise.all(REVISIONS.map(scenariosOf))
  if (!named.flat().includes(scenario)) throw new Error(`No requirements name ${scenario}`)
  return legs.filter(
    (leg) =>
      named[REVISIONS.indexOf(leg.revision)]?.includes(scenario) && isMeaningful(leg, scenario),
  )
}

const complain = (leg: Leg, played: readonly Played[]): void => {
  for (const one of played) {
    const surprising = isMeaningful(leg, one.scenario) && outcomeOf(toRow(leg, one)) === 'failed'
    if (!surprising && !options.verbose) continue
    for (const { id, status, errorMessage } of one.checks) {
      if (status === 'FAILURE') say(`    ${one.scenario}: ${id}: ${errorMessage ?? 'failed'}`)
    }
  }
}

/** A server of tasks alone is asked for nothing else; others for whatever their revision requires. */
const chosen = async ({ fixture, revision }: Leg): Promise<readonly string[] | undefined> =>
  fixture === undefined ? undefined : (await scenariosOf(revision)).filter(isOfTasks)

const playLeg = async (leg: Leg, url: string): Promise<Row[]> => {
  const { scenario, verbose } = options
  const began = performance.now()
  const { revision } = leg
  const scenarios = scenario === undefined ? await chosen(leg) : [scenario]
  const played = await play({ url, revision, ...(scenarios && { scenarios }), verbose })
  const rows = toRows(leg, played)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const counts = `${countOf(rows, 'passed')} passed, ${countOf(rows, 'failed')} failed`
  say(`  ${legName(leg)}: ${counts} (${seconds} s)`)
  complain(leg, played)
  return rows
}

/** A leg, and where the suite finds who is asked. */
type Turn = { readonly leg: Leg; readonly url: string }

/** What a run found: rows by leg, and what kept it from finding more. */
type Findings = { readonly rows: Map<Leg, Row[]>; readonly obstacles: string[] }

/** The suite mostly waits; more at once, and it would miss its own deadlines on a small machine. */
const LANES_MAX = 5

/** One after the other: whatever a server announces, all its clients hear. */
const playLane = async (turns: readonly Turn[], { rows, obstacles }: Findings): Promise<void> => {
  for (const { leg, url } of turns) {
    try {
      // oxlint-disable-next-line eslint/no-await-in-loop
      rows.set(leg, await playLeg(leg, url))
    } catch (error) {
      obstacles.push(`${legName(leg)}: ${String(error)}`)
    }
  }
}

/** Servers side by side, each asked by one client at a time. */
const playTurns = async (turns: readonly Turn[], findings: Findings): Promise<void> => {
  const lanes = Map.groupBy(turns, ({ leg }) => `${leg.target} ${serverName(leg)}`).values()
  const runner = async (): Promise<void> => {
    for (const lane of lanes) {
      // oxlint-disable-next-line eslint/no-await-in-loop
      await playLane(lane, findings)
    }
  }
  await Promise.all(Array.from({ length: LANES_MAX }, runner))
}

/** What is served here is up until all that was asked of it is answered. */
const playAll = async (
  directLegs: readonly Leg[],
  gatewayLegs: readonly Leg[],
  findings: Findings,
): Promise<void> => {
  await using direct = await startFixtures(options)
  // Servers of its own: what the suite makes those of the other legs do is not heard here.
  await using behind = gatewayLegs.length > 0 ? await startFixtures(options) : undefined
  await using gateway = behind && (await startGateway(behind, options))
  const base = gateway?.url.replace(/\/$/, '')
  const turns = [
    ...directLegs.map((leg) => ({ leg, url: direct[leg.fixture ?? leg.upstream].url })),
    ...gatewayLegs.map((leg) => ({ leg, url: `${base}/${serverName(leg)}` })),
  ]
  await playTurns(turns, findings)
}

const conclude = (rows: readonly Row[], legs: readonly Leg[], problems: readonly string[]) => {
  say(`\n${tableOf(rows, legs)}\n`)
  for (const { scenario, upstream, revision, why } of MEANINGLESS) {
    if (legs.some((leg) => leg.upstream === upstream && leg.revision === revision)) {
      say(`n/a: ${scenario}, client ${revision}, upstream ${upstream}: ${why}`)
    }
  }
  for (const { scenario, upstream, why } of WITHOUT_TASKS) {
    say(`n/a: ${scenario}, upstream ${upstream} without tasks: ${why}`)
  }
  for (const difference of differencesIn(rows)) say(`differs: ${difference}`)
  for (const problem of problems) say(`problem: ${problem}`)
  say(`${countOf(rows, 'expected')} expected to fail, ${countOf(rows, 'skipped')} skipped`)
  // A stale expectation has no failed check; it is a problem of the table, named above.
  const passed = countOf(rows, 'passed') + countOf(rows, 'stale')
  say(`${passed} passed, ${countOf(rows, 'failed')} failed`)
}

const main = async (): Promise<number> => {
  const both = options.direct === options.gateway
  const directLegs = both || options.direct ? await wanted(DIRECT_LEGS) : []
  const gatewayLegs = both || options.gateway ? await wanted(GATEWAY_LEGS) : []
  const legs = [...directLegs, ...gatewayLegs]

  const findings: Findings = { rows: new Map(), obstacles: [] }
  await playAll(directLegs, gatewayLegs, findings)
  const rows = legs.flatMap((leg) => findings.rows.get(leg) ?? [])
  if (options.scenario === undefined) {
    await writeFile(REPORT, `${JSON.stringify(rows, null, 2)}\n`)
  }
  const problems = [...findings.obstacles, ...problemsIn(rows, legs)]
  conclude(rows, legs, problems)
  return problems.length === 0 ? 0 : 1
}

if (options.help) say(HELP)
else {
  process.exitCode = await main().catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    return 1
  })
}
