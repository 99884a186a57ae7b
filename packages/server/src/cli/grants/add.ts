import { Fault, isObject, type Admin, type Json } from '@countersign/contract'
import { askYes, canBeAsked } from '../ask-yes.ts'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  textsOption,
  type Command,
  type Parsed,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson, type Io } from '../io.ts'
import { reach } from '../reach.ts'
import { countIn, momentIn } from './spans.ts'
import { whereIn } from './where.ts'
import { inWhole, type Line } from './words.ts'
import { printable } from '../printable.ts'

type Wanted = Parameters<Admin['makeGrant']>[0]

export const add: Command = {
  summary: 'Says yes in advance: to a tool, within bounds, for so long and so many calls.',
  usage: 'grants add --server S [--tool T] --principal P --group G --uses N --until TIME [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    server: { type: 'string', short: 's' },
    tool: { type: 'string', short: 't' },
    label: { type: 'string' },
    principal: { type: 'string', short: 'p' },
    client: { type: 'string' },
    group: { type: 'string', short: 'g', multiple: true },
    where: { type: 'string', short: 'w', multiple: true },
    exactly: { type: 'string' },
    uses: { type: 'string', short: 'n' },
    from: { type: 'string' },
    until: { type: 'string', short: 'u' },
    hours: { type: 'string' },
    owner: { type: 'string' },
    reason: { type: 'string', short: 'r' },
    'any-version': { type: 'boolean' },
    yes: { type: 'boolean', short: 'y' },
  },
  help: `  -s, --server S      every tool of this server; with --tool one of them, by the server's own name
      --label L       instead: every tool with this label
  -p, --principal P   whose calls; the id is the one in the ledger ("local" without auth)
      --client C      through this client alone
  -g, --group G       instead of whose yes; several times for several. You have to be in one of them
  -w, --where BOUND   what an argument has to be, several times for several: amount<=100,
                      path^=/tmp/, state=open|closed. What no bound names may be anything
      --exactly JSON  these arguments and no others
  -n, --uses N        for so many calls
  -u, --until TIME    a time from now (12h, 7d) or a date; --from likewise
      --hours HOURS   only then: "mon-fri 08:00-18:00", in the time zone of the policies
      --owner P       who answers for it (default: you)
  -r, --reason WHY    for the ledger
      --any-version   goes on when the tool or the policies change, whatever they change to: a
                      server that turns bad later is covered too. Without it a change ends it
  -y, --yes           without asking
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const wanted = wantedIn(parsed, io.world.now())
    if (!flag(parsed, 'yes') && !(await isSure(wanted, parsed, io))) {
      print(io, 'No grant was made.')
      return EXIT.failed
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    const made = await gateway.admin.makeGrant(wanted)
    if (flag(parsed, 'json')) printJson(io, made)
    else print(io, saidOf(made))
    return EXIT.ok
  },
}

const saidOf = (made: Line): string => {
  const next =
    made.state === 'active'
      ? 'It is good from now on.'
      : `It waits for more people, who agree on its page: /approvals/${made.id}`
  return `${inWhole(made).split('\n').map(printable).join('\n')}\n\n${next}`
}

function wantedIn(parsed: Parsed, now: number): Wanted {
  const [client, exactly, from, hours, owner, reason] = [
    'client',
    'exactly',
    'from',
    'hours',
    'owner',
    'reason',
  ].map((name) => textOption(parsed, name))
  return {
    principal: needed(parsed, 'principal'),
    what: whatIn(parsed),
    groups: [...groupsIn(parsed)],
    where: textsOption(parsed, 'where').map(whereIn),
    uses: countIn(needed(parsed, 'uses'), '--uses'),
    until: momentIn(needed(parsed, 'until'), now),
    isAnyVersion: flag(parsed, 'any-version'),
    ...(client === undefined ? {} : { client }),
    ...(exactly === undefined ? {} : { exactly: objectIn(exactly) }),
    ...(from === undefined ? {} : { from: momentIn(from, now) }),
    ...(hours === undefined ? {} : { hours }),
    ...(owner === undefined ? {} : { owner }),
    ...(reason === undefined ? {} : { reason }),
  }
}

function whatIn(parsed: Parsed): Wanted['what'] {
  const [server, tool, label] = ['server', 'tool', 'label'].map((name) => textOption(parsed, name))
  if (label !== undefined && server === undefined && tool === undefined) return { label }
  if (server === undefined || label !== undefined) {
    throw new Fault('rpc/bad-params', 'say what for: --server S [--tool T], or --label L.')
  }
  return { server, ...(tool === undefined ? {} : { tool }) }
}

function groupsIn(parsed: Parsed): readonly string[] {
  const groups = textsOption(parsed, 'group')
  if (groups.length > 0) return groups
  throw new Fault('rpc/bad-params', 'say instead of whose yes: --group G, as in @ask("G").')
}

function needed(parsed: Parsed, name: string): string {
  const text = textOption(parsed, name)
  if (text !== undefined && text !== '') return text
  throw new Fault('rpc/bad-params', `--${name} is missing: countersign ${add.usage}.`)
}

function objectIn(text: string): NonNullable<Wanted['exactly']> {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch {
    throw new Fault('rpc/bad-params', '--exactly takes JSON: the arguments as an object.')
  }
  if (isObject(value)) return JSON.parse(text)
  throw new Fault('rpc/bad-params', '--exactly takes JSON: the arguments as an object.')
}

async function isSure(wanted: Wanted, parsed: Parsed, io: Io): Promise<boolean> {
  if (flag(parsed, 'json') || !canBeAsked(io)) {
    throw new Fault('rpc/bad-params', 'no grant was made: nobody can be asked here. Add --yes.')
  }
  print(io, printable(JSON.stringify(wanted)))
  return askYes(io, 'Allow all of these from now on, without asking anybody?')
}
