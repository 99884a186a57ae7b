import { parseArgs } from 'node:util'
import { toFault } from '@countersign/contract'
import { EXIT, type Command, type Parsed } from './command.ts'
import type { Io } from './io.ts'
import { VERSION } from './version.ts'

/** Each is loaded when it is asked for: what serves has no use for what asks. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  init: async () => (await import('./init-command.ts')).init,
  doctor: async () => (await import('./doctor.ts')).doctor,
  tools: async () => (await import('./tools.ts')).tools,
  call: async () => (await import('./call.ts')).call,
  tasks: async () => (await import('./tasks/tasks.ts')).tasks,
  policy: async () => (await import('./policy/policy.ts')).policy,
  approvals: async () => (await import('./approvals/approvals.ts')).approvals,
  approve: async () => (await import('./approvals/decide.ts')).approve,
  deny: async () => (await import('./approvals/decide.ts')).deny,
  review: async () => (await import('./approvals/review.ts')).review,
  grants: async () => (await import('./grants/grants.ts')).grants,
  stop: async () => (await import('./stop.ts')).stop,
  quotas: async () => (await import('./quotas.ts')).quotas,
  resume: async () => (await import('./resume.ts')).resume,
  revoke: async () => (await import('./revoke.ts')).revoke,
  users: async () => (await import('./users/users.ts')).users,
  clients: async () => (await import('./oauth-clients/clients.ts')).clients,
  connect: async () => (await import('./connections/connect.ts')).connect,
  connections: async () => (await import('./connections/connections.ts')).connections,
  token: async () => (await import('./token.ts')).token,
  events: async () => (await import('./events/events.ts')).events,
  webhooks: async () => (await import('./webhooks/webhooks.ts')).webhooks,
  log: async () => (await import('./log.ts')).log,
  ledger: async () => (await import('./ledger/ledger.ts')).ledger,
  erase: async () => (await import('./erase.ts')).erase,
  why: async () => (await import('./why.ts')).why,
  receipt: async () => (await import('./receipt.ts')).receipt,
  verify: async () => (await import('./verify.ts')).verify,
}

/** Runs one command line. Resolves with the exit code; whatever fails is one readable message. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv
  if (name === '--version' || name === '-V') {
    io.stdout.write(`${VERSION}\n`)
    return EXIT.ok
  }
  if (name === undefined || HELP.has(name) || name === 'help') return sayHelp(rest, io)
  const command = await find(name)
  if (!command) {
    io.stderr.write(`countersign: there is no command "${name}".\n\n${await overview()}`)
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
async function sayHelp([topic, word]: readonly string[], io: Io): Promise<number> {
  const asked = topic === undefined ? undefined : await find(topic)
  io.stdout.write(asked ? helpOf(partOf(asked, word) ?? asked) : await overview())
  return EXIT.ok
}

const partOf = ({ parts = {} }: Command, word: string | undefined): Command | undefined =>
  word !== undefined && Object.hasOwn(parts, word) ? parts[word] : undefined

const find = async (name: string): Promise<Command | undefined> =>
  Object.hasOwn(COMMANDS, name) ? COMMANDS[name]?.() : undefined

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

async function overview(): Promise<string> {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length))
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(
      async ([name, load]) => `  ${name.padEnd(width)}  ${(await load()).summary}`,
    ),
  )
  return `Countersign ${VERSION}: a signature next to every action an AI agent takes.

Usage: countersign <command> [options]

${lines.join('\n')}

  countersign help <command>   what a command takes
  countersign --version
`
}
