import { Fault, KINDS, textAt, toFault } from '@countersign/contract'
import type { World } from '#base'
import { silentLog } from '#telemetry'
import { makeUpstream, startKeeper, type ServerSpec } from '#upstream'
import { checkMachine } from './check-machine.ts'
import { checkPolicies } from './check-policies.ts'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
} from './command.ts'
import { checkAuth } from './doctor-auth/check-auth.ts'
import { findConfig } from './find-config.ts'
import { print, printJson, type Io } from './io.ts'
import { printable } from './printable.ts'

/** One finding: what was looked at, how it is, and the one thing to do about it. */
export interface Finding {
  readonly check: string
  readonly verdict: 'pass' | 'warn' | 'fail'
  readonly what: string
  readonly fix?: string
  readonly facts?: Readonly<Record<string, unknown>>
}

/** A server that says nothing for this long will make clients give up too. */
const PATIENCE_MS = 30_000
const SLOW_MS = 5_000

export const doctor: Command = {
  summary: 'Starts each server and says what it speaks, what it offers and what is wrong.',
  usage: 'doctor [server …] [--auth [--token-env NAME]] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    auth: { type: 'boolean' },
    'token-env': { type: 'string' },
  },
  help: `  server              only these servers (default: all)
      --auth          looks at who can come in instead: our address as a stranger finds it, the
                      issuers and their keys, clocks, accounts
      --token-env NAME  with --auth: judges the token in this environment variable, claim by claim
${CONFIG_HELP}
${JSON_HELP}

Exit code: 0 when nothing failed, 1 otherwise.`,
  run: async (parsed, io) => {
    const config = findConfig(parsed, io)
    const asJson = flag(parsed, 'json')
    if (textOption(parsed, 'token-env') !== undefined && !flag(parsed, 'auth')) {
      throw new Fault('rpc/bad-params', '--token-env goes with --auth.')
    }
    const wanted = parsed.positionals
    const unknown = wanted.filter((id) => !config.servers.some((one) => one.id === id))
    const specs = config.servers.filter(({ id }) => wanted.length === 0 || wanted.includes(id))
    const findings: Finding[] = []
    const report = (finding: Finding): void => {
      findings.push(finding)
      if (asJson) printJson(io, finding)
      else print(io, lineOf(finding))
    }
    if (flag(parsed, 'auth')) {
      const found = await checkAuth(config, io, textOption(parsed, 'token-env'))
      for (const finding of found) report({ ...finding, what: printable(finding.what) })
      return conclude(findings, asJson, io)
    }
    for (const id of unknown)
      report({ check: id, verdict: 'fail', what: 'is not in the configuration' })
    for (const finding of await checkMachine(config)) report(finding)
    for (const finding of await checkPolicies(config)) {
      report({ ...finding, what: printable(finding.what) })
    }
    for (const note of config.notes)
      report({ check: 'configuration', verdict: 'warn', what: printable(note) })
    await checkServers(io.world, specs, report)
    return conclude(findings, asJson, io)
  },
}

function conclude(findings: readonly Finding[], asJson: boolean, io: Io): number {
  const failed = findings.filter(({ verdict }) => verdict === 'fail').length
  if (!asJson) print(io, failed === 0 ? '\nNothing is broken.' : `\n${String(failed)} failed.`)
  return failed === 0 ? EXIT.ok : EXIT.failed
}

const MARKS = { pass: 'ok  ', warn: 'warn', fail: 'FAIL' } as const

const lineOf = ({ check, verdict, what, fix }: Finding): string =>
  `${MARKS[verdict]}  ${printable(check)}: ${what}${fix === undefined ? '' : `\n        → ${printable(fix)}`}`

async function checkServers(
  world: World,
  specs: readonly ServerSpec[],
  report: (finding: Finding) => void,
): Promise<void> {
  const keeper = startKeeper(world)
  try {
    // All at once: a broken server must not make the others wait for its time-out.
    await Promise.all(
      specs.map(async (spec) => {
        for (const finding of await checkServer(world, keeper, spec)) report(finding)
      }),
    )
  } finally {
    await keeper.close()
  }
}

async function checkServer(
  world: World,
  keeper: ReturnType<typeof startKeeper>,
  spec: ServerSpec,
): Promise<readonly Finding[]> {
  const upstream = makeUpstream(
    { world, log: silentLog, keeper, onEvent: () => undefined },
    { ...spec, idleMs: 0 },
  )
  const patience = AbortSignal.timeout(PATIENCE_MS)
  const startedAt = world.monotonic()
  try {
    const { era, revision, capabilities, serverInfo } = await upstream.introduce(patience)
    const connectMs = world.monotonic() - startedAt
    const listings = await Promise.all(KINDS.map((kind) => upstream.list(kind, patience)))
    const listMs = world.monotonic() - startedAt - connectMs
    const counts = KINDS.map((kind, at) => `${String(listings[at]?.items.length ?? 0)} ${kind}s`)
    const name =
      `${textAt(serverInfo, 'name') || 'unnamed'} ${textAt(serverInfo, 'version')}`.trim()
    const took = `connected in ${connectMs.toFixed(0)} ms, listed in ${listMs.toFixed(0)} ms`
    const facts = {
      era,
      revision,
      capabilities: Object.keys(capabilities),
      serverInfo,
      connectMs: Math.round(connectMs),
      listMs: Math.round(listMs),
      ...Object.fromEntries(KINDS.map((kind, at) => [`${kind}s`, listings[at]?.items.length ?? 0])),
    }
    const problems = listings.flatMap((one) => one.problems)
    return [
      {
        check: spec.id,
        verdict: connectMs > SLOW_MS ? 'warn' : 'pass',
        what: printable(
          `${name} speaks ${revision} (${era}); ${counts.join(', ')}; can ${Object.keys(capabilities).join(', ') || 'nothing'}; ${took}`,
        ),
        ...(connectMs > SLOW_MS
          ? { fix: `set "start: eager" for ${spec.id}, so that no client waits for it` }
          : {}),
        facts,
      },
      ...problems.map((problem): Finding => ({
        check: spec.id,
        verdict: 'warn',
        what: printable(problem),
        fix: `tell the makers of ${name}`,
      })),
    ]
  } catch (thrown) {
    const seconds = String(PATIENCE_MS / 1_000)
    const why = patience.aborted
      ? `did not introduce itself and list what it offers within ${seconds} s`
      : toFault(thrown).message
    return [broken(spec, why, upstream.status().stderr)]
  } finally {
    await upstream.close()
  }
}

const STDERR_LINES = 5

function broken(spec: ServerSpec, what: string, stderr: readonly string[]): Finding {
  const last = stderr.slice(-STDERR_LINES).map((line) => `\n        | ${printable(line)}`)
  const process = spec.transport.kind === 'stdio' ? spec.transport.process : undefined
  return {
    check: spec.id,
    verdict: 'fail',
    what: `${printable(what)}${last.join('')}`,
    fix: process
      ? `run it by hand: ${[process.command, ...process.args].join(' ')}`
      : 'check the url, and that the server is running',
    facts: { stderr },
  }
}
