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
import { startFixtures, startGateway, type Fixtures } from './targets.ts'

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

/** What a run found: rows, and what kept it from finding more. */
type Findings = { readonly rows: Row[]; readonly obstacles: string[] }

/** One after the other: the suite has deadlines, and a busy machine would miss them. */
const playLegs = async (
  legs: readonly Leg[],
  urlOf: (leg: Leg) => string,
  { rows, obstacles }: Findings,
): Promise<void> => {
  for (const leg of legs) {
    try {
      // oxlint-disable-next-line eslint/no-await-in-loop
      rows.push(...(await playLeg(leg, urlOf(leg))))
    } catch (error) {
      obstacles.push(`${legName(leg)}: ${String(error)}`)
    }
  }
}

const playGateway = async (
  legs: readonly Leg[],
  fixtures: Fixtures,
  findings: Findings,
): Promise<void> => {
  if (legs.length === 0) return
  await using gateway = await startGateway(fixtures, options)
  const base = gateway.url.replace(/\/$/, '')
  await playLegs(legs, (leg) => `${base}/${serverName(leg)}`, findings)
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

  const findings: Findings = { rows: [], obstacles: [] }
  const { rows, obstacles } = findings
  await using fixtures = await startFixtures(options)
  await playLegs(directLegs, (leg) => fixtures[leg.fixture ?? leg.upstream].url, findings)
  await playGateway(gatewayLegs, fixtures, findings).catch((error: unknown) =>
    obstacles.push(`the gateway could not be tried: ${String(error)}`),
  )
  if (options.scenario === undefined) {
    await writeFile(REPORT, `${JSON.stringify(rows, null, 2)}\n`)
  }
  const problems = [...obstacles, ...problemsIn(rows, legs)]
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
