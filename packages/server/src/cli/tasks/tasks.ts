import { ADMIN_TASK_STATES, Fault } from '@countersign/contract'
import {
  CONFIG_HELP,
  CONFIG_OPTION,
  EXIT,
  flag,
  JSON_HELP,
  JSON_OPTION,
  textOption,
  type Command,
  type Parsed,
} from '../command.ts'
import { findConfig } from '../find-config.ts'
import { print, printJson, table, type Io } from '../io.ts'
import { reach, type Reach } from '../reach.ts'
import { cancel } from './cancel.ts'
import { everyTask } from './find-task.ts'
import { result } from './result.ts'
import { settle } from './settle.ts'
import { show } from './show.ts'
import { undo } from './undo.ts'
import { watch } from './watch.ts'
import { isOver, rows, type Line } from './words.ts'

const FINISHED_SHOWN = 10

export const tasks: Command = {
  summary: 'Lists calls that are answered later; shows, cancels, settles and undoes them.',
  usage: 'tasks [--watch] [--state STATE,…] [--run RUN] [--all] [options]',
  options: {
    ...CONFIG_OPTION,
    ...JSON_OPTION,
    state: { type: 'string', short: 's' },
    run: { type: 'string', short: 'r' },
    all: { type: 'boolean', short: 'a' },
    watch: { type: 'boolean', short: 'w' },
  },
  help: `  -w, --watch         goes on showing what changes, until Ctrl-C; also while no gateway runs
  -s, --state STATE   only these: ${ADMIN_TASK_STATES.join(', ')}
  -r, --run RUN       only calls that belong to this run
  -a, --all           all that are kept (default: what is open, and the ${String(FINISHED_SHOWN)} newest that are over)
${CONFIG_HELP}
${JSON_HELP}

  countersign tasks show ID                                   everything that is known of one
  countersign tasks result ID                                 waits for it and prints its result
  countersign tasks cancel ID                                 ends it
  countersign tasks settle ID happened|retry|abandon          where the outcome is unknown
  countersign tasks undo ID|RUN                               takes a call, or a run, back

An id may be shortened to a beginning that no other has. Each has its own --help.`,
  parts: { show, result, cancel, settle, undo },
  run: async (parsed, io) => {
    const [stray] = parsed.positionals
    if (stray !== undefined) {
      throw new Fault(
        'rpc/bad-params',
        `there is no "tasks ${stray}". After "tasks" comes show, result, cancel, settle, undo, or options.`,
      )
    }
    const asked = askedIn(parsed)
    if (flag(parsed, 'watch')) return watch(findConfig(parsed, io), io, asked, flag(parsed, 'json'))
    await using gateway = await reach(findConfig(parsed, io), io)
    const found = await list(gateway, asked, flag(parsed, 'all'))
    if (flag(parsed, 'json')) for (const line of found) printJson(io, line)
    else say(io, gateway, asked, found)
    return EXIT.ok
  },
}

/** Which tasks are meant. */
export interface Asked {
  readonly states?: string
  readonly run?: string
}

function askedIn(parsed: Parsed): Asked {
  const states = textOption(parsed, 'state')
  const run = textOption(parsed, 'run')
  const known: readonly string[] = ADMIN_TASK_STATES
  const wrong = states?.split(',').find((one) => !known.includes(one))
  if (wrong !== undefined) {
    throw new Fault('rpc/bad-params', `there is no state "${wrong}": ${known.join(', ')}.`)
  }
  return { ...(states === undefined ? {} : { states }), ...(run === undefined ? {} : { run }) }
}

/** What was asked for; without a wish what is open, and the newest of what is over. */
async function list({ admin }: Reach, asked: Asked, isAll: boolean): Promise<readonly Line[]> {
  const lines: Line[] = []
  const isEverything = isAll || asked.states !== undefined || asked.run !== undefined
  let finished = 0
  for await (const line of everyTask(admin, asked)) {
    if (isEverything || !isOver(line) || finished++ < FINISHED_SHOWN) lines.push(line)
  }
  return lines
}

function say(io: Io, { isRunning }: Reach, asked: Asked, found: readonly Line[]): void {
  if (found.length === 0) {
    const isNarrowed = asked.states !== undefined || asked.run !== undefined
    const all = 'No tasks: every call was answered while its client waited.'
    print(io, isNarrowed ? 'No tasks match. "countersign tasks --all" lists all there are.' : all)
    return
  }
  print(io, table(rows(found, io.world.now())))
  const unknown = found.find(({ state }) => state === 'unknown')
  if (unknown) {
    io.stderr.write(
      `Find out what happened, then say so: countersign tasks settle ${unknown.id} happened|retry|abandon\n`,
    )
  }
  if (!isRunning && found.some((line) => !isOver(line) && line.state !== 'unknown')) {
    io.stderr.write('No gateway is running: what is open goes on with "countersign serve".\n')
  }
}
