import type { Admin } from '@countersign/contract'
import { bar, inNumbers, partOf } from './progress.ts'

export type Detail = Awaited<ReturnType<Admin['getTask']>>
export type Line = Awaited<ReturnType<Admin['listTasks']>>['tasks'][number]

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const SAID_CHARS = 80

/** True for a task that will not change any more by itself. */
export const isOver = ({ state }: Pick<Line, 'state'>): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled'

/** `340 ms`, `12 s`, `5 min`, `3 h`, `2 d`. */
export function lasting(ms: number): string {
  const abs = Math.max(0, ms)
  if (abs < SECOND_MS) return `${String(Math.round(abs))} ms`
  if (abs < MINUTE_MS) return `${String(Math.round(abs / SECOND_MS))} s`
  if (abs < HOUR_MS) return `${String(Math.round(abs / MINUTE_MS))} min`
  if (abs < DAY_MS) return `${String(Math.round(abs / HOUR_MS))} h`
  return `${String(Math.round(abs / DAY_MS))} d`
}

export const clock = (at: number): string => new Date(at).toTimeString().slice(0, 8)

/** A time of another day has its date: tomorrow morning is not an hour ago. */
function dayAndClock(at: number, now: number): string {
  const [day, today] = [at, now].map((ms) => new Date(ms).toDateString().slice(4, 10))
  return day === today ? clock(at) : `${String(day)} ${clock(at)}`
}

/** What a task is about: a tool, or what it takes back. */
export function about({ kind, server, tool, undoes = [], run }: Line): string {
  switch (kind) {
    case 'call':
      return `${server ?? '?'} ${tool ?? '?'}`
    case 'undo':
      return `undo of ${undoes.join(', ')}`
    case 'undo-run':
      return `undo of run ${run ?? '?'}`
  }
}

/** What is looked at again so soon is under way elsewhere: a server works on it. */
const SOON_MS = 15 * SECOND_MS

/** The state as a person reads it. */
export function standing({ state, asks, isError, dueAt, updatedAt }: Line): string {
  if (asks.length > 0) return 'asks'
  if (state === 'completed' && isError) return 'completed (error)'
  if (state !== 'waiting' || dueAt === undefined) return state
  return dueAt - updatedAt < SOON_MS ? 'working' : `waiting until ${dayAndClock(dueAt, updatedAt)}`
}

/** What there is to say of it: why it failed, what it asks, what it is doing. */
export function said({ asks, error, status, progress, state }: Line): string {
  const text =
    state === 'unknown'
      ? 'it may have happened; settle it'
      : (error?.message ?? asks[0] ?? progress?.message ?? status ?? '')
  // How far it is has a place of its own.
  const [line = ''] = text.replace(/ \(\d+ of \d+\)$/, '').split('\n')
  return line.length > SAID_CHARS ? `${line.slice(0, SAID_CHARS - 1)}…` : line
}

const HEAD = ['ID', 'STATE', 'WHAT', 'PROGRESS', 'SINCE', '']

/** Rows of a table, under their heads. */
export const rows = (lines: readonly Line[], now: number): readonly (readonly string[])[] => [
  HEAD,
  ...lines.map((line) => [
    line.id,
    standing(line),
    about(line),
    inNumbers(partOf(line)),
    lasting(now - line.createdAt),
    said(line),
  ]),
]

/** Where it stands, in one line that is drawn again and again. */
export function inOneLine(line: Line, now: number): string {
  const parts = [
    line.id,
    standing(line),
    about(line),
    bar(partOf(line)),
    said(line),
    lasting((isOver(line) ? line.updatedAt : now) - line.createdAt),
  ]
  return parts.filter((part) => part !== '').join('  ')
}

/** What two looks at a task have in common as long as there is no news. */
export const newsIn = (line: Line): string =>
  JSON.stringify([standing(line), line.asks, line.status, line.progress, line.error])
