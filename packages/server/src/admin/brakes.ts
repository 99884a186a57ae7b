import { Fault, type Admin } from '@countersign/contract'
import { nearest } from '#base'
import type { Ledger } from '#audit'
import type { Revocations } from '#auth'
import type { Brake, Stopped } from '@countersign/contract/admin-brake'
import { brakedBy, isStopped, runIdOf, type Brakes } from '#policy'
import type { Views } from '#registry'
import type { Desk } from '#tasks'
import { checkPrincipal } from './check-principal.ts'

export interface BrakeRooms {
  readonly brakes: Brakes
  readonly desk: Desk
  readonly ledger: Ledger
  readonly revocations: Revocations
  readonly upstreams: ReadonlyMap<string, unknown>
  readonly views: Pick<Views, 'find'>
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
function checkExists({ upstreams, views }: BrakeRooms, stopped: Stopped): void {
  if ('principal' in stopped && stopped.principal !== undefined) checkPrincipal(stopped.principal)
  if (!('server' in stopped)) return
  const { server } = stopped
  if (!upstreams.has(server)) throw noSuch(`server "${server}"`, nearest(server, upstreams.keys()))
  if (stopped.what !== 'tool') return
  const { tool } = stopped
  const offered = (views.find(server)?.list('tool') ?? []).map(({ name }) => name)
  // What was never listed may be there all the same: a server that cannot be asked is stopped too.
  if (offered.length === 0 || offered.includes(tool)) return
  throw noSuch(`tool "${tool}" of ${server}`, nearest(tool, offered))
}

const noSuch = (what: string, meant: string | undefined): Fault =>
  new Fault(
    'rpc/bad-params',
    `There is no ${what}: nothing was stopped.${meant === undefined ? '' : ` Did you mean "${meant}"?`}`,
  )

/** Lifting a brake is written down before anything may be called again. */
export async function releaseBrake(
  { brakes, ledger }: BrakeRooms,
  { id, reason }: Parameters<Admin['releaseBrake']>[0],
): ReturnType<Admin['releaseBrake']> {
  const known = brakeOf(brakes, id)
  const { stopped } = known
  const brake = known.id
  await ledger.note('brake.released', { brake, stopped: { ...stopped }, reason, by: OPERATOR })
  await brakes.release(brake)
  return known
}

/** By its id, or the beginning of one, which no other has. */
function brakeOf(brakes: Brakes, id: string): Brake {
  const all = brakes.list()
  const exact = all.find((one) => one.id === id)
  if (exact) return exact
  const meant = all.filter((one) => one.id.startsWith(id) || one.id.startsWith(`brake_${id}`))
  const [only, ...others] = meant
  if (!only) throw new Fault('rpc/bad-params', `There is no brake "${id}".`)
  if (others.length === 0) return only
  const named = meant.slice(0, NAMED_MAX).map((one) => one.id)
  throw new Fault(
    'rpc/bad-params',
    `"${id}" is the beginning of ${named.join(', ')}${meant.length > NAMED_MAX ? ' and others' : ''}: give more of it.`,
  )
}
const NAMED_MAX = 5

/** A call that is no task yet is one after `tasks.after`, or over: it is not waited for. */
async function cancelAll(
  { desk }: BrakeRooms,
  stopped: Stopped,
  reason: string,
): Promise<string[]> {
  const cancelled: string[] = []
  for await (const task of openTasks(desk)) {
    const errand = desk.standing(task)?.errand
    if (!errand) continue
    const called = { server: errand.server, name: errand.tool }
    const by = { handle: errand.run, client: errand.client.label }
    // What nobody named is a run by its client, where runs are told apart.
    const run = { id: runIdOf(errand.principal, by), labels: [] }
    const braked = brakedBy(errand.principal, called, { ...by, run })
    if (isStopped(stopped, braked) && (await wasStopped(desk, task, { by: OPERATOR, reason })))
      cancelled.push(task.id)
  }
  return cancelled
}

/** Every task that is not over, page by page. */
export async function* openTasks(desk: Desk): AsyncGenerator<Parameters<Desk['stop']>[0]> {
  let cursor: string | undefined
  do {
    // oxlint-disable-next-line eslint/no-await-in-loop -- Each page says where the next one begins.
    const { tasks, next } = await desk.page({
      states: ['working', 'waiting'],
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    })
    yield* tasks
    cursor = next
  } while (cursor !== undefined)
}

/** False for one that came to its end in this very moment. */
export async function wasStopped(
  desk: Desk,
  task: Parameters<Desk['stop']>[0],
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<boolean> {
  try {
    await desk.stop(task, by, /[.!?]$/.test(reason) ? reason : `${reason}.`)
    return true
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'task/illegal') return false
    throw thrown
  }
}
