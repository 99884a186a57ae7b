import { Fault } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson } from '../io.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'
import { PRINCIPAL_OPTION } from './words.ts'

export const remove: Command = {
  summary: 'Ends the connection to a server, here and at its authorization server.',
  usage: 'connections remove SERVER [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, ...PRINCIPAL_OPTION },
  help: `  -p, --principal ID  whose, as "countersign connections" lists it; default: the house's own
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const [server, ...others] = parsed.positionals
    if (server === undefined || others.length > 0) {
      throw new Fault('rpc/bad-params', 'which server? countersign connections remove SERVER')
    }
    const principal = textOption(parsed, 'principal')
    await using gateway = await reach(findConfig(parsed, io), io)
    const wanted = { server, ...(principal === undefined ? {} : { principal }) }
    const gone = await gateway.admin.removeConnection(wanted)
    const there = gone.isRevoked ? 'and at its authorization server' : 'but perhaps not there'
    if (flag(parsed, 'json')) printJson(io, gone)
    else print(io, `The connection to ${printable(server)} is over here, ${there}.`)
    return EXIT.ok
  },
}
