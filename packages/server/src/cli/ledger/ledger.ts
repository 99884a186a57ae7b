import { Fault } from '@countersign/contract'
import { EXIT, type Command } from '../command.ts'
import { print } from '../io.ts'
import { exportLedger } from './export.ts'
import { key } from './key.ts'

const HELP = `  countersign ledger export [FILE]    writes everything, with the signed checkpoints
  countersign ledger key              the public key that "countersign verify" needs

Each has its own --help. What happened is shown by "countersign log".`

export const ledger: Command = {
  summary: 'Exports the ledger for whoever wants to check it, and tells the key for that.',
  usage: 'ledger export|key [options]',
  options: {},
  help: HELP,
  parts: { export: exportLedger, key },
  run: async ({ positionals: [word] }, io) => {
    if (word !== undefined) {
      throw new Fault('rpc/bad-params', `there is no "ledger ${word}", only export and key.`)
    }
    print(io, HELP)
    return EXIT.usage
  },
}
