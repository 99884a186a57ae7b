import { parseArgs } from 'node:util'
import { toFault } from '@countersign/contract'
import { approvals } from './approvals/approvals.ts'
import { approve, deny } from './approvals/decide.ts'
import { call } from './call.ts'
import { connect } from './connections/connect.ts'
import { connections } from './connections/connections.ts'
import { EXIT, type Command, type Parsed } from './command.ts'
import { clients } from './oauth-clients/clients.ts'
import { doctor } from './doctor.ts'
import { init } from './init-command.ts'
import type { Io } from './io.ts'
import { ledger } from './ledger/ledger.ts'
import { log } from './log.ts'
import { policy } from './policy/policy.ts'
import { receipt } from './receipt.ts'
import { resume } from './resume.ts'
import { revoke } from './revoke.ts'
import { serve } from './serve.ts'
import { stop } from './stop.ts'
import { tasks } from './tasks/tasks.ts'
import { token } from './token.ts'
import { tools } from './tools.ts'
import { verify } from './verify.ts'
import { users } from './users/users.ts'
import { why } from './why.ts'
import { VERSION } from './version.ts'

const COMMANDS: Readonly<Record<string, Command>> = {
  serve,
  init,
  doctor,
  tools,
  call,
  tasks,
  policy,
  approvals,
  approve,
  deny,
  stop,
  resume,
  revoke,
  users,
  clients,
  connect,
  connections,
  token,
  log,
  ledger,
  why,
  receipt,
  verify,
}

/** Runs one command line. Resolves with the exit code; whatever fails is one readable message. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version' || name === '-V') {
    io.stdout.write(`${VERSION}\n`)
    return EXIT.ok
  }
  if (name === undefined || HELP.has(name) || name === 'help') return sayHelp(rest, io)
  const command = find(name)
  if (!command) {
    io.stderr.write(`countersign: there is no command "${name}".\n\n${overview()}`)
    return EXIT.usage
  }
  const part = partOf(command, rest[0])
  if (rest.some((word) => HELP.has(word))) {
    io.stdout.write(helpOf(part ?? command))
    return EXIT.ok
  }
  return part
    ? carryOut(`${name} ${String(rest[0])}`, part, rest.slice(1), io)
    : carryOut(name, command, rest, io)
}

const HELP: ReadonlySet<string> = new Set(['--help', '-h'])

/** All commands, or the one that is named, or a part of it. */
function sayHelp([topic, word]: readonly string[], io: Io): number {
  const asked = topic === undefined ? undefined : find(topic)
  io.stdout.write(asked ? helpOf(partOf(asked, word) ?? asked) : overview())
  return EXIT.ok
}

const partOf = ({ parts = {} }: Command, word: string | undefined): Command | undefined =>
  word !== undefined && Object.hasOwn(parts, word) ? parts[word] : undefined

const find = (name: string): Command | undefined =>
  Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined

async function carryOut(
  name: string,
  command: Command,
  argv: readonly string[],
  io: Io,
): Promise<number> {
  let parsed: Parsed
  try {
    parsed = parseArgs({ args: [...argv], options: command.options, allowPositionals: true })
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    io.stderr.write(`countersign ${name}: ${problem}\n\n${helpOf(command)}`)
    return EXIT.usage
  }
  try {
    return await command.run(parsed, io)
  } catch (thrown) {
    const fault = toFault(thrown)
    const bug = fault.code === 'server/bug' ? `\n${stackOf(fault.cause)}` : ''
    io.stderr.write(`countersign ${name}: ${fault.message}${bug}\n`)
    return EXIT.cannot
  }
}

const stackOf = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)

const helpOf = ({ usage, summary, help }: Command): string =>
  `${summary}\n\nUsage: countersign ${usage}\n\n${help}\n`

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length))
  const lines = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`,
  )
  return `Countersign ${VERSION}: a signature next to every action an AI agent takes.

Usage: countersign <command> [options]

${lines.join('\n')}

  countersign help <command>   what a command takes
  countersign --version
`
}
