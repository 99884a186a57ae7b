import { Fault } from '@countersign/contract'
import type { Config } from '#config'
import { EXIT } from '../command.ts'
import { printJson, type Io } from '../io.ts'
import { printable } from '../printable.ts'
import { reachOnlyRunning, type Reach } from '../reach.ts'
import { isGone } from '../tasks/follow-aloud.ts'
import { hearInterrupt } from '../tasks/interrupt.ts'
import { clock } from '../tasks/words.ts'
import { about, type Line } from './words.ts'

const LOOK_MS = 500
const SHOWN = 200

/** Says what comes to wait for approval, and what becomes of it, until Ctrl-C. */
export async function watch(config: Config, io: Io, asJson: boolean): Promise<number> {
  using interrupt = hearInterrupt()
  const { signal } = interrupt
  const known = new Map<string, string>()
  let gateway: Reach | undefined
  let isAway = false
  while (!signal.aborted) {
    gateway ??= await reachOnlyRunning(config)
    const lines = gateway && (await look(gateway))
    if (!lines) gateway = undefined
    if (!lines && !isAway) io.stderr.write('No gateway is running; waiting for it.\n')
    isAway = !lines
    for (const line of news(lines ?? [], known)) say(io, line, asJson)
    await io.world.wait(LOOK_MS, signal).catch(() => undefined)
  }
  return EXIT.ok
}

/** What was not known at the last look; of what was over by the first one, nothing. */
function news(lines: readonly Line[], known: Map<string, string>): readonly Line[] {
  return lines.toReversed().filter((line) => {
    const before = known.get(line.id)
    const now = `${line.state} ${String(line.answers.length)}`
    known.set(line.id, now)
    return before === undefined ? line.state === 'open' : before !== now
  })
}

async function look({ admin }: Reach): Promise<readonly Line[] | undefined> {
  try {
    return await admin.listApprovals({ limit: SHOWN })
  } catch (thrown) {
    if (!(thrown instanceof Fault && isGone(thrown))) throw thrown
    return undefined
  }
}

function say(io: Io, line: Line, asJson: boolean): void {
  if (asJson) {
    printJson(io, line)
    return
  }
  const next = line.state === 'open' ? `countersign approve ${line.id}` : ''
  const parts = [
    clock(io.world.now()),
    line.id,
    line.state,
    about(line),
    line.bound.principal,
    next,
  ]
  io.stdout.write(`${printable(parts.filter((part) => part !== '').join('  '))}\n`)
}
