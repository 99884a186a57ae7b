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
import { rekey } from './rekey.ts'
import { remove } from './remove.ts'
import { rows } from './words.ts'

export const connections: Command = {
  summary: 'Lists and removes the accounts with which servers are called.',
  usage: 'connections [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}

  countersign connections remove SERVER   ends one, here and at its authorization server
  countersign connections rekey           seals all of them with the key of now (vault.key)
  countersign connect SERVER              the page on which one is made`,
  parts: { remove, rekey },
  run: async (parsed, io) => {
    const [stray] = parsed.positionals
    if (stray !== undefined) {
      const parts = 'remove, rekey, or by options'
      throw new Fault(
        'rpc/bad-params',
        `there is no "connections ${stray}" here. Right after "connections" comes ${parts}.`,
      )
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    const found = await gateway.admin.listConnections({})
    if (flag(parsed, 'json')) for (const one of found) printJson(io, one)
    else if (found.length === 0) print(io, 'Nothing is connected: countersign connect SERVER')
    else print(io, rows(found))
    return EXIT.ok
  },
}
