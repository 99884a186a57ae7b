import { Fault, type Admin } from '@countersign/contract'
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
import { print, printJson, type Io } from '../io.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'
import { findTask, idIn } from './find-task.ts'
import { followAloud } from './follow-aloud.ts'
import type { Detail } from './words.ts'

type Undoing = NonNullable<Detail['undoing']>[number]

export const undo: Command = {
  summary: 'Takes a call back, or all calls of a run, the newest first.',
  usage: 'tasks undo <id|run> [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}

Each call is taken back by the tool that servers.<id>.tools.<tool>.compensate names, in a call of its
own that is recorded like any other. What cannot be taken back says why. Needs a running gateway.
Ctrl-C ends the waiting; the undoing goes on.
Exit code: 0 undone, 1 something was not, 2 nothing could be undone.`,
  run: async (parsed, io) => {
    const given = idIn(parsed, undo.usage)
    await using gateway = await reach(findConfig(parsed, io), io)
    const { admin } = gateway
    const begin = await meant(admin, given)
    if (!gateway.isRunning) throw needsGateway()
    const { id } = await begin()
    const asJson = flag(parsed, 'json')
    const told = new Set<string>()
    const tell = (detail: Detail): void => {
      if (!asJson) sayNews(io, detail, told)
    }
    const detail = await followAloud(io, gateway, id, tell)
    if (!detail) return EXIT.interrupted
    if (asJson) printJson(io, detail)
    else {
      tell(detail)
      sayEnd(io, detail)
    }
    return detail.state === 'completed' ? EXIT.ok : EXIT.failed
  },
}

/** What is to be undone: the task of this id, the run of this name, or the task that begins so. */
async function meant(admin: Admin, given: string): Promise<() => Promise<Detail>> {
  const { tasks } = await admin.listTasks({ run: given, limit: 1 })
  const [first] = tasks
  if (first) return () => admin.undoRun({ run: given, owner: first.owner })
  const { id } = await findTask(admin, given)
  return () => admin.undoTask({ id })
}

const needsGateway = (): Fault =>
  new Fault(
    'store/unavailable',
    'nothing was undone: that needs a running gateway. Run "countersign serve", then undo.',
  )

/** What has been decided since the last look, in the order in which it was. */
function sayNews(io: Io, { undoing = [] }: Detail, told: Set<string>): void {
  for (const one of undoing) {
    if (one.state === 'pending' || told.has(one.task)) continue
    told.add(one.task)
    print(io, printable(wordsOf(one)))
  }
}

function wordsOf({ task, server, tool, state, why }: Undoing): string {
  const what = server === undefined ? task : `${server} ${tool ?? ''} (${task})`
  const because = why === undefined ? '' : `: ${why}`
  switch (state) {
    case 'undone':
      return `undone       ${what}`
    case 'nothing':
      return `left alone   ${what}${because}`
    case 'unknown':
      return `unknown      ${what}${because}`
    case 'failed':
    case 'pending':
      return `not undone   ${what}${because}`
  }
}

function sayEnd(io: Io, { id, state, undoing = [], error }: Detail): void {
  if (state === 'completed') return
  for (const one of undoing.filter((each) => each.state === 'pending')) {
    print(io, printable(wordsOf(one)))
  }
  const why = error === undefined ? '' : ` ${error.message}`
  io.stderr.write(printable(`countersign tasks undo: ${id} stopped.${why}`))
  io.stderr.write(`\nTake back by hand what is left; "countersign tasks show ${id}" says more.\n`)
}
