import { Fault, type Admin } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { Revocations } from '#auth'
import type { Stopped } from '@countersign/contract/admin-brake'
import { brakedBy, isStopped, type Brakes } from '#policy'
import type { Desk } from '#tasks'
import { checkPrincipal } from './check-principal.ts'

export interface BrakeRooms {
  readonly brakes: Brakes
  readonly desk: Desk
  readonly ledger: Ledger
  readonly revocations: Revocations
  readonly upstreams: ReadonlyMap<string, unknown>
}

/** Whoever holds the token of the data folder. */
const OPERATOR = 'operator'
const PAGE = 100

export const listBrakes = ({ brakes }: BrakeRooms): ReturnType<Admin['listBrakes']> =>
  Promise.resolve([...brakes.list()])

/** Stops new calls at once; what runs, and what the tokens are good for, as is said. */
export async function pullBrake(
  rooms: BrakeRooms,
  { stopped, reason, cancels = false, revokes = false }: Parameters<Admin['pullBrake']>[0],
): ReturnType<Admin['pullBrake']> {
  const { brakes, ledger, revocations } = rooms
  if (revokes && stopped.what !== 'principal' && stopped.what !== 'client') {
    throw new Fault('rpc/bad-params', 'Only a principal or a client has tokens to revoke.')
  }
  checkExists(rooms, stopped)
  const brake = await brakes.pull(stopped, OPERATOR, reason)
  await ledger.note('brake.pulled', {
    brake: brake.id,
    stopped: { ...stopped },
    reason,
    by: OPERATOR,
  })
  if (revokes && stopped.what === 'principal') {
    await revocations.revoke({ kind: 'user', id: stopped.principal })
  }
  if (revokes && stopped.what === 'client') {
    await revocations.revoke({ kind: 'client', id: stopped.client })
  }
  return { brake, cancelled: cancels ? await cancelAll(rooms, stopped, reason) : [] }
}

/** In a hurry people mistype: a brake on what does not exist would look as if it had stopped something. */
function checkExists({ upstreams }: BrakeRooms, stopped: Stopped): void {
  if (stopped.what === 'principal') checkPrincipal(stopped.principal)
  if (!('server' in stopped) || upstreams.has(stopped.server)) return
  throw new Fault('rpc/bad-params', `There is no server "${stopped.server}": nothing was stopped.`)
}

/** Lifting a brake is written down before anything may be called again. */
export async function releaseBrake(
  { brakes, ledger }: BrakeRooms,
  { id, reason }: Parameters<Admin['releaseBrake']>[0],
): ReturnType<Admin['releaseBrake']> {
  const known = brakes.list().find((one) => one.id === id)
  if (!known) throw new Fault('rpc/bad-params', `There is no brake "${id}".`)
  const { stopped } = known
  await ledger.note('brake.released', { brake: id, stopped: { ...stopped }, reason, by: OPERATOR })
  await brakes.release(id)
  return known
}

/** A call that is no task yet is one after `tasks.after`, or over: it is not waited for. */
async function cancelAll(
  { desk }: BrakeRooms,
  stopped: Stopped,
  reason: string,
): Promise<string[]> {
  const cancelled: string[] = []
  let cursor: string | undefined
  do {
    const { tasks, next } = await desk.page({
      states: ['working', 'waiting'],
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const task of tasks) {
      const errand = desk.standing(task)?.errand
      if (!errand) continue
      const braked = brakedBy(errand.principal, { server: errand.server, name: errand.tool })
      if (isStopped(stopped, braked) && (await wasStopped(desk, task, reason)))
        cancelled.push(task.id)
    }
    cursor = next
  } while (cursor !== undefined)
  return cancelled
}

/** False for one that came to its end in this very moment. */
async function wasStopped(
  desk: Desk,
  task: Parameters<Desk['stop']>[0],
  reason: string,
): Promise<boolean> {
  try {
    await desk.stop(task, OPERATOR, /[.!?]$/.test(reason) ? reason : `${reason}.`)
    return true
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'task/illegal') return false
    throw thrown
  }
}
