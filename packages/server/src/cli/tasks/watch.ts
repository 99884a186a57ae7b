import { Fault } from '@countersign/contract'
import type { Config } from '#config'
import { EXIT } from '../command.ts'
import { printJson, type Io } from '../io.ts'
import { printable } from '../printable.ts'
import { reachOnlyRunning, type Reach } from '../reach.ts'
import { isGone } from './follow-aloud.ts'
import { hearInterrupt } from './interrupt.ts'
import type { Asked } from './tasks.ts'
import { about, clock, inOneLine, isOver, newsIn, said, standing, type Line } from './words.ts'
import { inNumbers, partOf } from './progress.ts'

const LOOK_MS = 500
/** A gateway that is not there is looked for at this pace. */
const SEEK_MS = 300
const OPEN_SHOWN = 200
const NEWEST = 20
const ROWS = 24
const COLUMNS = 100

/**
 * Shows tasks as they change, until Ctrl-C. Survives the gateway: while it is away it is waited for,
 * and nothing is opened that would stand in its way.
 */
export async function watch(
  config: Config,
  io: Io,
  asked: Asked,
  asJson: boolean,
): Promise<number> {
  using interrupt = hearInterrupt()
  const { signal } = interrupt
  const view = asJson ? jsonView(io) : io.stdout.isTTY === true ? screenView(io) : lineView(io)
  let gateway: Reach | undefined
  while (!signal.aborted) {
    gateway ??= await reachOnlyRunning(config)
    if (!gateway) view.away()
    else {
      const lines = await look(gateway, asked, view.open()).catch(whenGone)
      if (lines) view.show(lines)
      else gateway = undefined
    }
    await io.world.wait(gateway ? LOOK_MS : SEEK_MS, signal).catch(() => undefined)
  }
  return EXIT.ok
}

/** A gateway that is not reached is waited for; everything else is said and ends the watching. */
function whenGone(thrown: unknown): undefined {
  if (!isGone(thrown)) throw thrown
}

/** What is open, what is new, and what became of what was open before. */
async function look(
  { admin }: Reach,
  asked: Asked,
  before: readonly string[],
): Promise<readonly Line[]> {
  const newest = await admin.listTasks({ ...asked, limit: NEWEST })
  const open =
    asked.states === undefined
      ? await admin.listTasks({ ...asked, states: 'working,waiting,unknown', limit: OPEN_SHOWN })
      : newest
  const lines = new Map([...newest.tasks, ...open.tasks].map((line) => [line.id, line]))
  for (const id of before) {
    if (lines.has(id)) continue
    // Only what ended since the last look, and is older than the newest.
    // oxlint-disable-next-line eslint/no-await-in-loop
    const line = await admin.getTask({ id }).catch((thrown: unknown) => {
      if (!(thrown instanceof Fault && thrown.code === 'task/unknown')) throw thrown
    })
    if (line && isMeant(line, asked)) lines.set(id, line)
  }
  return [...lines.values()].toSorted((a, b) => a.createdAt - b.createdAt)
}

const isMeant = ({ state, run }: Line, asked: Asked): boolean =>
  (asked.states === undefined || asked.states.split(',').includes(state)) &&
  (asked.run === undefined || asked.run === run)

interface View {
  readonly show: (lines: readonly Line[]) => void
  /** No gateway answers. */
  readonly away: () => void
  /** What was open at the last look. */
  readonly open: () => readonly string[]
}

const AWAY = 'No gateway is running; waiting for it. Tasks go on when it does. Ctrl-C ends this.'

/** Everything at once, drawn over what was there. */
function screenView(io: Io): View {
  let drawn = 0
  let last: readonly Line[] = []
  const draw = (texts: readonly string[]): void => {
    const columns = io.stdout.columns ?? COLUMNS
    const shown = texts.slice(-Math.max(1, (io.stdout.rows ?? ROWS) - 1))
    const up = drawn > 0 ? `\u001B[${String(drawn)}A` : ''
    const body = shown.map((text) => `${printable(text).slice(0, columns - 1)}\n`).join('')
    io.stdout.write(`${up}\u001B[0J${body}`)
    drawn = shown.length
  }
  const texts = (): string[] =>
    last.length === 0
      ? ['No tasks yet. Ctrl-C ends this.']
      : last.map((line) => inOneLine(line, io.world.now()))
  return {
    show: (lines) => {
      last = lines
      draw(texts())
    },
    away: () => {
      draw([...(last.length === 0 ? [] : texts()), AWAY])
    },
    open: () => idsOfOpen(last),
  }
}

/** One line for each change. */
function changes(say: (line: Line) => void, sayAway: () => void): View {
  const known = new Map<string, Line>()
  let isAway = false
  return {
    show: (lines) => {
      isAway = false
      for (const line of lines) {
        const before = known.get(line.id)
        known.set(line.id, line)
        if (!before || newsIn(before) !== newsIn(line)) say(line)
      }
    },
    away: () => {
      if (!isAway) sayAway()
      isAway = true
    },
    open: () => idsOfOpen([...known.values()]),
  }
}

const idsOfOpen = (lines: readonly Line[]): readonly string[] =>
  lines.filter((line) => !isOver(line)).map(({ id }) => id)

const lineView = (io: Io): View =>
  changes(
    (line) => {
      const parts = [clock(io.world.now()), line.id, standing(line), about(line)]
      const more = [inNumbers(partOf(line)), said(line)].filter((part) => part !== '')
      io.stdout.write(`${printable([...parts, ...more].join('  '))}\n`)
    },
    () => {
      io.stderr.write(`${AWAY}\n`)
    },
  )

const jsonView = (io: Io): View =>
  changes(
    (line) => {
      printJson(io, line)
    },
    () => {
      io.stderr.write(`${AWAY}\n`)
    },
  )
