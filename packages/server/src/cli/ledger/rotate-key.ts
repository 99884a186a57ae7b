import { join } from 'node:path'
import { Fault } from '@countersign/contract'
import { LOST } from '#audit'
import { keyFile } from '#base'
import { CONFIG_HELP, CONFIG_OPTION, EXIT, flag, type Command } from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print } from '../io.ts'
import { reach } from '../reach.ts'
import { findRunning } from '../running.ts'

export const rotateKey: Command = {
  summary: 'Makes a new key that signs the ledger from now on; the one of now signs for it.',
  usage: 'ledger rotate-key [--lost] [options]',
  options: { ...CONFIG_OPTION, lost: { type: 'boolean' } },
  help: `  --lost              the key of now is gone for good: the ledger says so, and only witnesses
                      speak for what came before. Stop the gateway first
${CONFIG_HELP}

Whoever has the old key need not do anything: "countersign verify --key OLD" follows to the new one. Where
several nodes share a database, copy keys/ledger.key to the others, and start them again.`,
  run: async (parsed, io) => {
    const config = findConfig(parsed, io)
    const isLost = flag(parsed, 'lost')
    if (isLost) {
      if (await findRunning(config)) {
        throw new Fault('rpc/bad-params', 'a gateway is running: it has its key. Stop it first.')
      }
      // The house that finds this file goes on with it, and says so in the ledger.
      keyFile(io.world, join(config.data, 'keys', LOST))
    }
    await using gateway = await reach(config, io)
    const { key, before } = isLost
      ? { key: (await gateway.admin.getLedgerKey({})).key, before: undefined }
      : await gateway.admin.rotateLedgerKey({})
    print(io, key)
    const from = before === undefined ? 'the one that was lost' : before
    io.stderr.write(`It signs from the next checkpoint on, and takes the place of\n${from}\n`)
    return EXIT.ok
  },
}
