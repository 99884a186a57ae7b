import type { WitnessLine } from '@countersign/contract/admin-ledger'
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

export const witnesses: Command = {
  summary: 'Tells who keeps the checkpoints elsewhere, and how much they have seen.',
  usage: 'ledger witnesses [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}, with the checkpoint that each has kept

Exit code 1: one of them has not kept the newest when it was tried last.`,
  run: async (parsed, io) => {
    await using gateway = await reach(findConfig(parsed, io), io)
    const found = await gateway.admin.listWitnesses({})
    if (flag(parsed, 'json')) for (const one of found) printJson(io, one)
    else if (found.length === 0) print(io, 'Nobody: see ledger.witnesses of the configuration.')
    else for (const one of found) print(io, printable(lineOf(one)))
    return found.some(({ failures }) => failures > 0) ? EXIT.failed : EXIT.ok
  },
}

function lineOf({ witness, kind, size, behind, at, failures, problem }: WitnessLine): string {
  const when = at === undefined ? 'never' : new Date(at).toISOString()
  const late = behind === 0 ? 'all' : `${String(behind)} behind`
  const broken = failures === 0 ? '' : `; failed ${String(failures)} times: ${problem ?? ''}`
  return `${witness} (${kind})  ${String(size)} entries, ${late}, ${when}${broken}`
}
