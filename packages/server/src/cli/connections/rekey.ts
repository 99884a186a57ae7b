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

export const rekey: Command = {
  summary: 'Seals all credentials with the master key of now.',
  usage: 'connections rekey [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}

To replace the key: name the new one in vault.key and the old one in vault.previous, restart, run
this, and remove the old one.`,
  run: async (parsed, io) => {
    await using gateway = await reach(findConfig(parsed, io), io)
    const { count } = await gateway.admin.rekeyConnections({})
    if (flag(parsed, 'json')) printJson(io, { count })
    else print(io, `${String(count)} sealed with the key of now.`)
    return EXIT.ok
  },
}
