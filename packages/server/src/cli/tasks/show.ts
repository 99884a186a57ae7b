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
import { print, printJson, table, type Io } from '../io.ts'
import { printable } from '../printable.ts'
import { reach } from '../reach.ts'
import { findTask, idIn } from './find-task.ts'
import { bar, partOf } from './progress.ts'
import { about, clock, isOver, lasting, standing, type Detail } from './words.ts'

const BODY_CHARS = 100
const RESULT_CHARS = 4_000

export const show: Command = {
  summary: 'Shows everything that is known of one task: attempts, steps, waits, journal, result.',
  usage: 'tasks show <id> [options]',
  options: { ...CONFIG_OPTION, ...JSON_OPTION },
  help: `${CONFIG_HELP}
${JSON_HELP}`,
  run: async (parsed, io) => {
    const given = idIn(parsed, show.usage)
    await using gateway = await reach(findConfig(parsed, io), io)
    const detail = await findTask(gateway.admin, given)
    if (flag(parsed, 'json')) printJson(io, detail)
    else sayDetail(io, detail)
    return EXIT.ok
  },
}

function sayDetail(io: Io, detail: Detail): void {
  print(io, printable(`${detail.id}  ${standing(detail)}  ${about(detail)}`))
  print(io, '')
  print(io, table(facts(detail, io.world.now())))
  if (detail.calls.length > 0) {
    print(io, `\n${table([CALL_HEAD, ...detail.calls.map(callRow)])}`)
  }
  if (detail.undoing) {
    const rows = detail.undoing.map(({ task, server = '', tool = '', state, why = '' }) => [
      task,
      `${server} ${tool}`,
      state,
      why,
    ])
    print(io, `\n${table([['TAKES BACK', 'WHAT', 'STATE', 'WHY'], ...rows])}`)
  }
  sayJournal(io, detail)
  if (detail.result) print(io, `\nRESULT\n${cut(JSON.stringify(detail.result), RESULT_CHARS)}`)
  print(io, `\n${nextFor(detail)}`)
}

/** What there is, by name; what there is not is left out. */
function facts(detail: Detail, now: number): readonly (readonly string[])[] {
  const { owner, client, name, effect, run, call, status, progress, asks, error } = detail
  const time = (at: number): string => `${new Date(at).toISOString()} (${lasting(now - at)} ago)`
  const known: readonly (readonly [string, string | undefined])[] = [
    ['called as', name],
    ['arguments', detail.arguments && cut(JSON.stringify(detail.arguments), RESULT_CHARS)],
    ['effect', effect],
    ['by', client === undefined ? owner : `${owner} with ${client}`],
    ['run', run],
    ['ledger', call],
    ['created', time(detail.createdAt)],
    [isOver(detail) ? 'ended' : 'changed', time(detail.updatedAt)],
    ['kept until', new Date(detail.expiresAt).toISOString()],
    ['next look', detail.dueAt === undefined ? undefined : new Date(detail.dueAt).toISOString()],
    ['progress', progress && bar(partOf(detail))],
    ['status', status],
    ...asks.map((ask) => ['asks', ask] as const),
    ['error', error && `${error.message}${error.code === undefined ? '' : ` (${error.code})`}`],
    ["server's task", detail.upstreamTask],
    ['taken back by', detail.undoneBy ?? (detail.compensate && `${detail.compensate} (declared)`)],
    ['reconciled by', detail.reconcile && `${detail.reconcile} (declared)`],
    ['on behalf of', detail.parent],
  ]
  return known.flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [[key, value]],
  )
}

const CALL_HEAD = ['#', 'CALL', 'NAME', 'STATE', 'TRIES', 'BEGAN', 'TOOK', '']

function callRow(call: Detail['calls'][number]): readonly string[] {
  const { beganAt, endedAt, leftAt, until, error } = call
  const left = leftAt === undefined ? '' : `left at ${clock(leftAt)}`
  const again = until === undefined ? '' : `until ${clock(until)}`
  return [
    String(call.call),
    call.what,
    call.name,
    call.state,
    String(call.tries),
    clock(beganAt),
    endedAt === undefined ? '' : lasting(endedAt - beganAt),
    [left, again, error ?? ''].filter((part) => part !== '').join(', '),
  ]
}

function sayJournal(io: Io, { journal, journalLeftOut }: Detail): void {
  if (journal.length === 0) return
  const rows = journal.map(({ at, epoch, what, kind, name, body, bodyChars }) => [
    new Date(at).toISOString().slice(11, 23),
    String(epoch),
    what,
    kind,
    name,
    body === undefined
      ? `(${String(bodyChars)} characters)`
      : cut(JSON.stringify(body), BODY_CHARS),
  ])
  const older = journalLeftOut > 0 ? `\n(${String(journalLeftOut)} older lines are not shown)` : ''
  print(io, `\n${table([['JOURNAL', 'LIFE', 'ABOUT', 'LINE', 'NAME', 'BODY'], ...rows])}${older}`)
}

function nextFor({ id, state, compensate, undoneBy, isError }: Detail): string {
  switch (state) {
    case 'unknown':
      return `It may have happened. Find out, then: countersign tasks settle ${id} happened|retry|abandon`
    case 'working':
    case 'waiting':
      return `countersign tasks result ${id} waits for it; countersign tasks cancel ${id} ends it.`
    case 'completed': {
      const canUndo = compensate !== undefined && undoneBy === undefined && !isError
      return canUndo ? `countersign tasks undo ${id} takes it back.` : 'It is over.'
    }
    case 'failed':
    case 'cancelled':
      return 'It is over.'
  }
}

const cut = (text: string, charsMax: number): string =>
  text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text
