import { Fault } from '@countersign/contract'
import { EXIT, type Command } from '../command.ts'
import { print } from '../io.ts'
import { exportLedger } from './export.ts'
import { key } from './key.ts'
import { rotateKey } from './rotate-key.ts'
import { witnesses } from './witnesses.ts'

const HELP = `  countersign ledger export [FILE]    writes everything, with the signed checkpoints
  countersign ledger key              the public key that "countersign verify" needs
  countersign ledger rotate-key       the next key, for which the one of now signs
  countersign ledger witnesses        who keeps the checkpoints elsewhere

Each has its own --help. What happened is shown by "countersign log".`

export const ledger: Command = {
  summary: 'Exports the ledger for whoever wants to check it, and tells the key for that.',
  usage: 'ledger export|key|rotate-key|witnesses [options]',
  options: {},
  help: HELP,
  parts: { export: exportLedger, key, 'rotate-key': rotateKey, witnesses },
  run: async ({ positionals: [word] }, io) => {
    if (word !== undefined) {
      throw new Fault(
        'rpc/bad-params',
        `there is no "ledger ${word}", only export, key, rotate-key and witnesses.`,
      )
    }
    print(io, HELP)
    return EXIT.usage
  },
}
