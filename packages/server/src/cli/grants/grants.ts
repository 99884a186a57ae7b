import { Fault, type Admin } from '@countersign/contract'
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
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson, table, type Io } from '../io.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'
import { add } from './add.ts'
import { inWhole, rows, type Line } from './words.ts'

const HELP = `${CONFIG_HELP}
${JSON_HELP}`

const show: Command = {
  summary: 'Shows all that one standing grant allows.',
  usage: 'grants show <id> [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: HELP,
  run: async (parsed, io) => one(parsed, io, show, (admin, id) => admin.getGrant({ id })),
}

const agree: Command = {
  summary: 'Says yes, too, to a standing grant that needs several people.',
  usage: 'grants agree <id> [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: HELP,
  run: async (parsed, io) => one(parsed, io, agree, (admin, id) => admin.agreeGrant({ id })),
}

const revoke: Command = {
  summary: 'Ends a standing grant, at once.',
  usage: 'grants revoke <id> [--reason WHY] [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, reason: { type: 'string', short: 'r' } },
  help: `  -r, --reason WHY    for the ledger
${HELP}`,
  run: async (parsed, io) => {
    const reason = textOption(parsed, 'reason')
    const said = reason === undefined ? {} : { reason }
    return one(parsed, io, revoke, (admin, id) => admin.revokeGrant({ id, ...said }))
  },
}

export const grants: Command = {
  summary: 'Standing grants: a yes in advance, within bounds.',
  usage: 'grants [--all] [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, all: { type: 'boolean', short: 'a' } },
  help: `  -a, --all           also those that have ended
${HELP}

  countersign grants add ...         makes one
  countersign grants show ID         all that it allows
  countersign grants agree ID        one more yes, where it needs several
  countersign grants revoke ID       ends it, at once`,
  parts: { add, show, agree, revoke, list: listPart() },
  run: list,
}

function listPart(): Command {
  return {
    summary: 'Lists standing grants.',
    usage: 'grants list [--all] [options]',
    options: { ...CONFIG_OPTION, ...JSON_OPTION, all: { type: 'boolean', short: 'a' } },
    help: `  -a, --all           also those that have ended
${HELP}`,
    run: list,
  }
}

async function list(parsed: Parsed, io: Io): Promise<number> {
  const [stray] = parsed.positionals
  if (stray !== undefined) {
    const parts = 'add, list, show, agree, revoke, or options'
    throw new Fault(
      'rpc/bad-params',
      `there is no "grants ${stray}". After "grants" comes ${parts}.`,
    )
  }
  await using gateway = await reach(findConfig(parsed, io), io)
  const found = await gateway.admin.listGrants(flag(parsed, 'all') ? { all: 'true' } : {})
  if (flag(parsed, 'json')) for (const line of found) printJson(io, line)
  else if (found.length === 0) print(io, 'Nothing was said yes to in advance.')
  else print(io, table(rows(found)))
  return EXIT.ok
}

/** One grant, by its id or the beginning of it, and what is done with it. */
async function one(
  parsed: Parsed,
  io: Io,
  { usage }: Command,
  act: (admin: Admin, id: string) => Promise<Line>,
): Promise<number> {
  const [given] = parsed.positionals
  if (given === undefined) {
    throw new Fault('rpc/bad-params', `name a grant: countersign ${usage}.`)
  }
  await using gateway = await reach(findConfig(parsed, io), io)
  const line = await act(gateway.admin, await idIn(gateway.admin, given))
  if (flag(parsed, 'json')) printJson(io, line)
  else print(io, inWhole(line).split('\n').map(printable).join('\n'))
  return EXIT.ok
}

async function idIn(admin: Admin, given: string): Promise<string> {
  const meant = (await admin.listGrants({ all: 'true' })).filter(
    ({ id }) => id.startsWith(given) || id.startsWith(`gr_${given}`),
  )
  const [first, ...others] = meant
  return first && others.length === 0 ? first.id : given
}
