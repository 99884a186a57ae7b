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
import { add } from './add.ts'
import { remove } from './remove.ts'
import { rotateKeys } from './rotate-keys.ts'
import { rows } from './words.ts'

export const clients: Command = {
  summary: 'Adds, lists and removes the clients that people and programs use.',
  usage: 'clients [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}

  countersign clients add NAME …     a client with a redirect URI, or a program with scopes of its own
  countersign clients remove ID      ends it, and what it was given
  countersign clients rotate-keys    the next key that tokens are signed with

Clients belong to the embedded authorization server (auth.embedded). Most need no entry here: they
describe themselves at a URL, and people are asked before one gets anything.`,
  parts: { add, remove, 'rotate-keys': rotateKeys },
  run: async (parsed, io) => {
    const [stray] = parsed.positionals
    if (stray !== undefined) {
      const parts = 'add, remove, rotate-keys, or by options'
      throw new Fault(
        'rpc/bad-params',
        `there is no "clients ${stray}" here. Right after "clients" comes ${parts}.`,
      )
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    const found = await gateway.admin.listClients({})
    if (flag(parsed, 'json')) for (const client of found) printJson(io, client)
    else if (found.length === 0) print(io, 'No client is registered: countersign clients add NAME')
    else print(io, rows(found))
    return EXIT.ok
  },
}
