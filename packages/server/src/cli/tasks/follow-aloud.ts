import { Fault } from '@countersign/contract'
import type { Io } from '../io.ts'
import type { Reach } from '../reach.ts'
import { follow } from './follow.ts'
import { hearInterrupt } from './interrupt.ts'
import { StatusLine } from './status-line.ts'
import { inOneLine, isOver, newsIn, type Detail } from './words.ts'

/**
 * Follows a task and shows on standard error how far it is. Resolves with undefined on Ctrl-C.
 *
 * @throws Fault that says how to go on when the gateway is gone.
 */
export async function followAloud(
  io: Io,
  gateway: Reach,
  id: string,
  show: (detail: Detail) => void = () => undefined,
): Promise<Detail | undefined> {
  if (!gateway.isRunning) await refuseToWait(gateway, id)
  using interrupt = hearInterrupt()
  const { signal } = interrupt
  const { world } = io
  try {
    using line = new StatusLine(io.stderr)
    const shown = (detail: Detail): void => {
      line.show(inOneLine(detail, world.now()), newsIn(detail))
      show(detail)
    }
    const detail = await follow({ world, gateway, id, show: shown, signal })
    if (detail) return detail
  } catch (thrown) {
    throw isGone(thrown) ? goOn(id) : thrown
  }
  io.stderr.write(`It goes on. To get its result: countersign tasks result ${id}\n`)
  return undefined
}

/** Nobody carries out what is open while only this command looks at it. */
async function refuseToWait({ admin, isWorking }: Reach, id: string): Promise<void> {
  if (isWorking) return
  const detail = await admin.getTask({ id })
  if (isOver(detail) || detail.state === 'unknown') return
  throw new Fault(
    'store/unavailable',
    `${id} is ${detail.state}, and no gateway is running that could go on with it. Run "countersign serve", then ask again.`,
  )
}

/** Whether the gateway that was reached before is not there any more. */
export const isGone = (thrown: unknown): boolean =>
  thrown instanceof Fault &&
  (thrown.code === 'upstream/unavailable' || thrown.code === 'http/closing')

const goOn = (id: string): Fault =>
  new Fault(
    'upstream/unavailable',
    `the gateway stopped while ${id} was under way. It is written down: run "countersign serve" again, then "countersign tasks result ${id}".`,
  )
