import { Fault, type Admin } from '@countersign/contract'
import type { Stopped } from '@countersign/contract/admin-brake'
import { stoppedInWords } from '#policy'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
  type Parsed,
} from './command.ts'
import { findConfig } from './find-config.ts'
import { print, printJson, table, type Io } from './io.ts'
import { printable } from './printable.ts'
import { reach } from './reach.ts'

export const stop: Command = {
  summary:
    'The brake: stops a tool, a server, a client, a principal, a run or everything, at once.',
  usage:
    'stop [--everything | --server S [--tool T] | --client C | --principal P | --run R] [--reason WHY] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    everything: { type: 'boolean' },
    server: { type: 'string', short: 's' },
    tool: { type: 'string', short: 't' },
    client: { type: 'string' },
    principal: { type: 'string', short: 'p' },
    run: { type: 'string' },
    reason: { type: 'string', short: 'r' },
    cancel: { type: 'boolean' },
    revoke: { type: 'boolean' },
  },
  help: `      --everything    every call of everybody
  -s, --server S      every tool of this server; with --tool one of them, by the server's own name
      --client C      whoever calls through this OAuth client; without tokens, who calls itself so
  -p, --principal P   everything this principal does; its id is the one in the ledger
      --run R         calls that belong together, by what the ledger calls their run;
                      with --principal that of one principal alone
  -r, --reason WHY    told to the agents that are refused, and written down; needed
      --cancel        also cancels what is under way (default: it may end)
      --revoke        also ends the tokens of the client or principal
${CONFIG_HELP}
${JSON_HELP}

Without any of these it lists what is stopped. "countersign resume ID" lifts a brake.`,
  run: async (parsed, io) => {
    const stopped = stoppedIn(parsed)
    if (!stopped) refuseHalf(parsed)
    await using gateway = await reach(findConfig(parsed, io), io)
    if (!stopped) return list(gateway.admin, parsed, io)
    const reason = textOption(parsed, 'reason')
    if (reason === undefined) {
      throw new Fault(
        'rpc/bad-params',
        'say why: --reason WHY. The agents that are refused are told.',
      )
    }
    const [cancels, revokes] = [flag(parsed, 'cancel'), flag(parsed, 'revoke')]
    const pulled = await gateway.admin.pullBrake({ stopped, reason, cancels, revokes })
    if (flag(parsed, 'json')) {
      printJson(io, pulled)
      return EXIT.ok
    }
    const { brake, cancelled } = pulled
    const tasks = cancels ? ` ${counted(cancelled.length)} cancelled.` : ''
    const tokens = revokes ? ' All tokens until now are revoked.' : ''
    print(io, printable(`${stoppedInWords(stopped)} is stopped.${tasks}${tokens}`))
    print(io, `countersign resume ${brake.id} --reason …   lifts that`)
    return EXIT.ok
  },
}

/** Whoever asks for a brake and names nothing must not believe that something was stopped. */
function refuseHalf(parsed: Parsed): void {
  const isHalf = ['reason', 'cancel', 'revoke'].some((name) => parsed.values[name] !== undefined)
  if (parsed.positionals.length === 0 && !isHalf) return
  throw new Fault(
    'rpc/bad-params',
    'nothing was stopped: say what, by --server, --tool, --client, --principal, --run or --everything.',
  )
}

const counted = (tasks: number): string =>
  tasks === 1 ? '1 task was' : `${String(tasks)} tasks were`

async function list(admin: Admin, parsed: Parsed, io: Io): Promise<number> {
  const brakes = await admin.listBrakes({})
  if (flag(parsed, 'json')) for (const brake of brakes) printJson(io, brake)
  else if (brakes.length === 0) print(io, 'Nothing is stopped.')
  else {
    const rows = brakes.map(({ id, stopped, at, reason }) => [
      id,
      new Date(at).toISOString(),
      stoppedInWords(stopped),
      reason,
    ])
    print(io, table([['BRAKE', 'SINCE', 'STOPPED', 'WHY'], ...rows]))
  }
  return EXIT.ok
}

const NAMED = ['server', 'tool', 'client', 'principal', 'run'] as const
type Named = Partial<Record<(typeof NAMED)[number], string>>

function stoppedIn(parsed: Parsed): Stopped | undefined {
  const given: Named = Object.fromEntries(
    NAMED.flatMap((name) => {
      const text = textOption(parsed, name)
      return text === undefined ? [] : [[name, text] as const]
    }),
  )
  const named: Stopped[] = [
    ...(flag(parsed, 'everything') ? [{ what: 'everything' } as const] : []),
    ...placeIn(given),
    ...(given.client === undefined ? [] : [{ what: 'client', client: given.client } as const]),
    ...whoIn(given),
  ]
  if (named.length > 1) throw new Fault('rpc/bad-params', 'name one thing to stop at a time.')
  return named[0]
}

function placeIn({ server, tool }: Named): readonly Stopped[] {
  if (server === undefined) {
    if (tool === undefined) return []
    throw new Fault('rpc/bad-params', '--tool needs --server: say whose tool it is.')
  }
  return tool === undefined ? [{ what: 'server', server }] : [{ what: 'tool', server, tool }]
}

/** A principal beside a run says whose run it is. */
function whoIn({ principal, run }: Named): readonly Stopped[] {
  const of = principal === undefined ? {} : { principal }
  if (run !== undefined) return [{ what: 'run', run, ...of }]
  return principal === undefined ? [] : [{ what: 'principal', principal }]
}
