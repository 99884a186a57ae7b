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
import { reach } from '../reach.ts'
import { findTask, idIn } from './find-task.ts'
import { about } from './words.ts'

export const cancel: Command = {
  summary: 'Ends a task that is not over. What it has done stays done.',
  usage: 'tasks cancel <id> [--reason TEXT] [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION, reason: { type: 'string' } },
  help: `  --reason TEXT       why; its client is told, and the ledger
${CONFIG_HELP}
${JSON_HELP}

Works without a running gateway too. A server whose call was under way is told to stop where it can be.`,
  run: async (parsed, io) => {
    const given = idIn(parsed, cancel.usage)
    const reason = textOption(parsed, 'reason')
    await using gateway = await reach(findConfig(parsed, io), io)
    const { id } = await findTask(gateway.admin, given)
    const cancelled = await gateway.admin.cancelTask({
      id,
      ...(reason === undefined ? {} : { reason }),
    })
    if (flag(parsed, 'json')) printJson(io, cancelled)
    else print(io, `Cancelled: ${id} (${about(cancelled)}). Parts of it may have been done before.`)
    return EXIT.ok
  },
}
