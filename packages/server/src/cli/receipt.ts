import { Fault } from '@countersign/contract'
import { CONFIG_HELP, CONFIG_OPTION, EXIT, type Command } from './command.ts'
import { findConfig } from './find-config.ts'
import { printJson } from './io.ts'
import { reach } from './reach.ts'

export const receipt: Command = {
  summary: 'Prints the entries of one call, with the proof that they are in the ledger.',
  usage: 'receipt CALL [options]',
  options: { ...CONFIG_OPTION },
  help: `  CALL                its id, as in "countersign log" and in _meta of every answer
${CONFIG_HELP}

One line of JSON. "countersign verify FILE --key KEY" checks it, anywhere.`,
  run: async (parsed, io) => {
    const [call] = parsed.positionals
    if (call === undefined) throw new Fault('rpc/bad-params', 'say which call: receipt CALL')
    await using gateway = await reach(findConfig(parsed, io), io)
    printJson(io, await gateway.admin.getReceipt({ call }))
    return EXIT.ok
  },
}
