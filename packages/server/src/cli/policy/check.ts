import { sayMistake } from '#policy'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  type Command,
} from '../command.ts'
import { print, printJson } from '../io.ts'
import { printable } from '../printable.ts'
import { findSet } from './find-set.ts'

export const check: Command = {
  summary: 'Holds a folder of policies against the schema; says all mistakes at once.',
  usage: 'policy check [FOLDER] [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `  FOLDER              with the policies (*.cedar); default: policy.folder of the configuration
${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const { folder, policies, mistakes, remarks } = await findSet(parsed, io)
    const isRight = mistakes.length === 0
    if (flag(parsed, 'json')) {
      for (const one of mistakes) printJson(io, { kind: 'mistake', ...one })
      for (const one of remarks) printJson(io, { kind: 'remark', ...one })
      printJson(io, {
        kind: 'checked',
        folder,
        policies: policies.length,
        mistakes: mistakes.length,
      })
      return isRight ? EXIT.ok : EXIT.failed
    }
    for (const one of mistakes) print(io, printable(sayMistake(one)))
    for (const one of remarks) print(io, printable(`note: ${sayMistake(one)}`))
    const count = `${String(policies.length)} ${policies.length === 1 ? 'policy' : 'policies'}`
    print(io, isRight ? `${count}, no mistakes.` : `Mistakes: ${String(mistakes.length)}.`)
    return isRight ? EXIT.ok : EXIT.failed
  },
}
