import { Fault } from '@countersign/contract'
import { stoppedInWords } from '#policy'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
} from './command.ts'
import { findConfig } from './find-config.ts'
import { print, printJson } from './io.ts'
import { printable } from './printable.ts'
import { reach } from './reach.ts'

export const resume: Command = {
  summary: 'Lifts a brake; "countersign stop" lists them.',
  usage: 'resume BRAKE --reason WHY [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, reason: { type: 'string', short: 'r' } },
  help: `  BRAKE               its id, or a beginning of it that no other has
  -r, --reason WHY    written down; needed
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const [id] = parsed.positionals
    const reason = textOption(parsed, 'reason')
    if (id === undefined || reason === undefined) {
      throw new Fault('rpc/bad-params', 'say which brake, and why: resume BRAKE --reason WHY')
    }
    await using gateway = await reach(findConfig(parsed, io), io)
    const brake = await gateway.admin.releaseBrake({ id, reason })
    if (flag(parsed, 'json')) printJson(io, brake)
    else print(io, printable(`${stoppedInWords(brake.stopped)} may be called again.`))
    return EXIT.ok
  },
}
