import type { Revocations } from '#auth'
import type { Desk } from '#tasks'
import type { Log } from '#telemetry'
import { openTasks, wasStopped } from './brakes.ts'

export interface EndRevokedRooms {
  readonly desk: Desk
  readonly revocations: Pick<Revocations, 'isRevoked' | 'onRevoked'>
  readonly log: Log
}

const BY = 'revocation'
const REASON = 'What it was started with has been revoked.'

/**
 * Ends the tasks of whoever was revoked, whoever did that and on whichever node: what has left stays
 * done, or unknown, as with any task that is cancelled. The answer waits until it is done.
 */
export function endRevokedTasks(rooms: EndRevokedRooms): () => Promise<void> {
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined
  const run = (): Promise<void> =>
    endAll(rooms).catch((cause: unknown) => {
      rooms.log.error({ cause: String(cause) }, 'tasks of who was revoked could not be ended')
    })
  const end = (): Promise<void> => {
    // One that is under way may have passed what is new: another follows it, for all who ask until then.
    if (!current) {
      current = run().finally(() => {
        current = undefined
      })
      return current
    }
    next ??= current.then(() => {
      next = undefined
      return end()
    })
    return next
  }
  rooms.revocations.onRevoked(() => void end())
  return end
}

async function endAll({ desk, revocations }: EndRevokedRooms): Promise<void> {
  for await (const task of openTasks(desk)) {
    const who = desk.standing(task)?.errand.principal
    if (!who || who.proof === 'local' || !revocations.isRevoked(who)) continue
    await wasStopped(desk, task, { by: BY, reason: REASON })
  }
}
