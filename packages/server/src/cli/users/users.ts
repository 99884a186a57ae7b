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
import { print, printJson } from '../io.ts'
import { reach } from '../reach.ts'
import { add, disable, enable, link, remove } from './change.ts'
import { rows } from './words.ts'

export const users: Command = {
  summary: 'Adds, lists, disables and removes those who may sign in.',
  usage: 'users [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}

  countersign users add NAME       prints a one-time link, where they choose a password or a passkey
  countersign users link NAME      another link: for whoever lost the first, or forgot a password
  countersign users disable NAME   signs them out, and ends what they gave to programs
  countersign users enable NAME    lets them in again
  countersign users remove NAME    the same as disable, for good

NAME may also be an id. Accounts belong to the embedded authorization server (auth.embedded).`,
  parts: { add, link, disable, enable, remove },
  run: async (parsed, io) => {
    const [stray] = parsed.positionals
    if (stray !== undefined) {
      const parts = 'add, link, disable, enable, remove, or by options'
      throw new Fault(
        'rpc/bad-params',
        `there is no "users ${stray}" here. Right after "users" comes ${parts}.`,
      )
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    const found = await gateway.admin.listUsers({})
    if (flag(parsed, 'json')) for (const user of found) printJson(io, user)
    else if (found.length === 0) print(io, 'Nobody can sign in yet: countersign users add NAME')
    else print(io, rows(found))
    return EXIT.ok
  },
}
