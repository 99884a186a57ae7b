import type { World } from '#base'
import type { Reach } from '../reach.ts'
import { isOver, type Detail } from './words.ts'

/** Often enough for a bar that moves, seldom enough to be nothing for the gateway. */
const LOOK_MS = 400

interface Following {
  readonly world: World
  readonly gateway: Pick<Reach, 'admin'>
  readonly id: string
  readonly show: (detail: Detail) => void
  /** Ends the following; the task goes on. */
  readonly signal: AbortSignal
}

/** Looks at a task until it is over, until its outcome is unknown, or until nobody wants to know. */
export async function follow(following: Following): Promise<Detail | undefined> {
  const { world, gateway, id, show, signal } = following
  while (!signal.aborted) {
    const detail = await gateway.admin.getTask({ id })
    if (isOver(detail) || detail.state === 'unknown') return detail
    show(detail)
    await world.wait(LOOK_MS, signal).catch(() => undefined)
  }
  return undefined
}
