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

export const connect: Command = {
  summary: 'Prints the page on which an account of a server is connected.',
  usage: 'connect SERVER [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, ...PRINCIPAL_OPTION },
  help: `  -p, --principal ID  for whom, where each caller has an account; default: whoever is at this machine
${CONFIG_HELP}
${JSON_HELP}

The page is good for an hour. Where the house has one account for all, whoever opens it and signs in
connects theirs: give it to nobody else.`,
  run: async (parsed, io) => {
    const [server, ...others] = parsed.positionals
    if (server === undefined || others.length > 0) {
      throw new Fault('rpc/bad-params', 'which server? countersign connect SERVER')
    }
    const principal = textOption(parsed, 'principal')
    await using gateway = await reach(findConfig(parsed, io), io)
    const wanted = { server, ...(principal === undefined ? {} : { principal }) }
    const page = await gateway.admin.beginConnection(wanted)
    if (flag(parsed, 'json')) printJson(io, page)
    else print(io, `Open this page to connect ${printable(server)}:\n\n  ${page.url}`)
    return EXIT.ok
  },
}
