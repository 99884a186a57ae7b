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
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'

export const remove: Command = {
  summary: 'Removes a client, and ends what it was given.',
  usage: 'clients remove ID [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `ID is the client_id, as "countersign clients" lists it.

${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const [id, ...others] = parsed.positionals
    if (id === undefined || others.length > 0) {
      throw new Fault('rpc/bad-params', 'which one? countersign clients remove ID')
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    const gone = await gateway.admin.removeClient({ id })
    if (flag(parsed, 'json')) printJson(io, gone)
    else print(io, `${printable(gone.name)} is removed: what it was given is over.`)
    return EXIT.ok
  },
}
