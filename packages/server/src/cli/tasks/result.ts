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
import { printJson, type Io } from '../io.ts'
import { printResult } from '../print-result.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'
import { findTask, idIn } from './find-task.ts'
import { followAloud } from './follow-aloud.ts'
import type { Detail } from './words.ts'

export const result: Command = {
  summary: 'Waits for a task and prints its result.',
  usage: 'tasks result <id> [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}

Ctrl-C ends the waiting; the task goes on.
Exit code: 0 answered, 1 answered with an error or not at all, 2 could not be waited for.`,
  run: async (parsed, io) => {
    const given = idIn(parsed, result.usage)
    await using gateway = await reach(findConfig(parsed, io), io)
    const { id } = await findTask(gateway.admin, given)
    const detail = await followAloud(io, gateway, id)
    if (!detail) return EXIT.interrupted
    return printEnd(io, detail, flag(parsed, 'json'))
  },
}

/** What a task came to, as the answer of the call would have been printed. */
function printEnd(io: Io, detail: Detail, asJson: boolean): number {
  const { result: answer, error, isError, id, state } = detail
  if (asJson) printJson(io, answer ?? { id, state, ...(error ? { error } : {}) })
  else if (answer) printResult(io, answer)
  else if (state === 'completed' && !error) io.stderr.write(`${id} has no result of its own.\n`)
  else io.stderr.write(`countersign tasks: ${printable(whyNot(detail))}\n`)
  return state === 'completed' && !isError ? EXIT.ok : EXIT.failed
}

function whyNot({ id, state, error }: Detail): string {
  if (state === 'unknown') {
    return `the outcome of ${id} is unknown: it may have happened. Find out, then: countersign tasks settle ${id} happened|retry|abandon`
  }
  return `${id} ${state === 'cancelled' ? 'was cancelled' : 'failed'}: ${error?.message ?? ''}`
}
