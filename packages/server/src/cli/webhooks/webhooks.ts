import { Fault } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  type Command,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson, table } from '../io.ts'
import { reach } from '../reach.ts'
import { dead } from './dead.ts'
import { drop } from './drop.ts'
import { retry } from './retry.ts'
import { test } from './test.ts'

export const webhooks: Command = {
  summary: 'Lists the webhooks, and what they did not take.',
  usage: 'webhooks [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}

  countersign webhooks test NAME               sends a message that is no entry
  countersign webhooks retry NAME              turns one on again, and tries at once what waits
  countersign webhooks dead NAME               what it did not take for a day
  countersign webhooks retry NAME --event N    sends one of those now
  countersign webhooks drop NAME [--event N]   lets go of one of those, or of all`,
  parts: { list: plain(), dead, retry, drop, test },
  run: (parsed, io) => plain().run(parsed, io),
}

function plain(): Command {
  return {
    summary: 'Lists the webhooks.',
    usage: 'webhooks list [options]',
    options: { ...CONFIG_OPTION, ...JSON_OPTION },
    help: `${CONFIG_HELP}
${JSON_HELP}`,
    run: async (parsed, io) => {
      const [stray] = parsed.positionals
      if (stray !== undefined) {
        throw new Fault(
          'rpc/bad-params',
          `there is no "webhooks ${stray}". Right after "webhooks" comes list, dead, retry, drop or test.`,
        )
      }
      await using gateway = await reach(findConfig(parsed, io), io)
      const found = await gateway.admin.listWebhooks({})
      if (flag(parsed, 'json')) for (const one of found) printJson(io, one)
      else if (found.length === 0)
        print(io, 'There is none: see events.webhooks of the configuration.')
      else print(io, table([HEAD, ...found.map(row)]))
      return EXIT.ok
    },
  }
}

const HEAD = ['NAME', 'HOST', 'STATE', 'BEHIND', 'DEAD', 'PROBLEM']

type Line = Awaited<ReturnType<Awaited<ReturnType<typeof reach>>['admin']['listWebhooks']>>[number]

function row({
  name,
  host,
  off,
  attempts,
  behind,
  dead: letters,
  problem,
}: Line): readonly string[] {
  const state = off !== undefined ? 'off' : attempts > 0 ? `trying (${String(attempts)})` : 'on'
  return [name, host, state, String(behind), String(letters), off ?? problem ?? '']
}
