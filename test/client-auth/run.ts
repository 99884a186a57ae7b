// The official suite's scenarios about OAuth clients, with ours as the client.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { play, turns, type Turn, type Verdict } from './scenarios.ts'

const HELP = `Every client scenario about authorization of the official MCP suite, with our OAuth client.

  node test/client-auth/run.ts [options]

  --vault            the OAuth client alone, with requests of the official client; default: the gateway
  --scenario NAME    one scenario, at each revision that names it
  --verbose          everything that the suite says about it
  --help             this

Exits with 1 when one fails.`

const { values: options } = parseArgs({
  options: {
    vault: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const driver = options.vault ? 'vault-driver.ts' : 'gateway-driver.ts'
const DRIVER = fileURLToPath(new URL(driver, import.meta.url))
/** The suite mostly waits for processes that start. */
const LANES = 2

const say = (words: string): void => void process.stdout.write(`${words}\n`)

async function playAll(all: readonly Turn[], results: string): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  const left = all.values()
  const lane = async (): Promise<void> => {
    for (const turn of left) {
      // oxlint-disable-next-line eslint/no-await-in-loop
      const verdict = await play(turn, DRIVER, results)
      if (options.verbose || !verdict.isPassed) say(verdict.said)
      verdicts.push(verdict)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return verdicts
}

const columnOf = ({ revision, isExtension }: Turn): string => (isExtension ? 'extension' : revision)
const COLUMNS = ['2025-11-25', '2026-07-28', 'extension']
const WIDTH = 42

/** Scenarios down, revisions across: how many checks passed, and how many there were. */
function tableOf(verdicts: readonly Verdict[]): string {
  const line = (head: string, cells: readonly string[]): string =>
    (head.padEnd(WIDTH) + cells.map((cell) => cell.padEnd(12)).join('')).trimEnd()
  const names = [...new Set(verdicts.map(({ scenario }) => scenario))].toSorted()
  const rows = names.map((name) =>
    line(
      name,
      COLUMNS.map((column) => {
        const one = verdicts.find((each) => each.scenario === name && columnOf(each) === column)
        if (!one) return ''
        const { passed, failed, isPassed } = one
        return `${passed}/${passed + failed}${isPassed ? '' : ' FAIL'}`
      }),
    ),
  )
  return [line('scenario', COLUMNS), ...rows].join('\n')
}

async function main(): Promise<number> {
  const all = await turns()
  const wanted = all.filter(({ scenario }) => scenario === (options.scenario ?? scenario))
  const results = await mkdtemp(join(tmpdir(), 'countersign-client-auth-'))
  try {
    const verdicts = await playAll(wanted, results)
    const passed = verdicts.filter(({ isPassed }) => isPassed).length
    say(`\n${tableOf(verdicts)}\n`)
    say(`${passed} passed, ${verdicts.length - passed} failed`)
    return passed === verdicts.length && passed > 0 ? 0 : 1
  } finally {
    await rm(results, { recursive: true, force: true })
  }
}

if (options.help) say(HELP)
else process.exitCode = await main()
