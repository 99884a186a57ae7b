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

export const key: Command = {
  summary: 'Prints the public key of the ledger. Keep it where nobody can change both.',
  usage: 'ledger key [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}, with the newest checkpoint`,
  run: async (parsed, io) => {
    await using gateway = await reach(findConfig(parsed, io), io)
    const told = await gateway.admin.getLedgerKey({})
    if (flag(parsed, 'json')) printJson(io, told)
    else print(io, told.key)
    return EXIT.ok
  },
}
