import type { FoldedNotes } from '#audit'
import type { Guard } from '#auth'
import type { World } from '#base'
import type { Config } from '#config'
import type { Gateway } from '#gateway'
import type { Feeds } from '#feeds'
import type { FrontDoor } from '#http'
import type { LivePolicy, OpenQuotas } from '#policy'
import type { Fleet, Keeper } from '#upstream'
import type { Witnesses } from '#witness'
import type { Foundation } from './foundation.ts'
import type { Authorization } from './open-authorization.ts'
import type { HousePeople } from './open-people.ts'
import type { Connections } from './open-vault.ts'

export interface Open extends Foundation {
  readonly doors: readonly FrontDoor[]
  readonly strangers: FoldedNotes
  readonly witnesses: Witnesses
  readonly gateway: Gateway
  readonly guard: Guard | undefined
  readonly people: HousePeople
  readonly authorization: Authorization | undefined
  readonly policy: LivePolicy | undefined
  readonly quotas: OpenQuotas
  readonly connections: Connections
  readonly feeds: Feeds
  readonly fleet: Fleet
  readonly keeper: Keeper
  /** Ends to look for definitions that other nodes read. */
  readonly stopFollowing: () => void
  readonly closeApprovals: () => void
  readonly limits: Config['limits']
}

/** How long cancelled calls may take to be written down at the end. */
const LAST_ENTRIES_MS = 3_000

/** Closes the rooms in reverse. */
export async function shut(open: Open): Promise<void> {
  const { world, doors, gateway, limits } = open
  // At the door and in the engine together.
  const until = world.monotonic() + limits.closeMs
  open.feeds.drain()
  for (const door of doors) await door.close()
  await open.authorization?.close()
  await open.people.close()
  await open.guard?.close()
  await open.strangers.close()
  await open.witnesses.close()
  open.revocations.close()
  open.brakes.close()
  open.stopMinding()
  open.stopFollowing()
  open.closeApprovals()
  // What waits for a server that does not answer is ended by ending the server.
  await within(world, LAST_ENTRIES_MS, gateway.close())
  await gateway.desk.close(Math.max(0, until - world.monotonic()))
  await open.fleet.close()
  await open.connections.close()
  await open.keeper.close()
  open.policy?.close()
  open.kept.close()
  await open.quotas.close()
  await open.feeds.close()
  // While there is something to read the last figures from.
  await open.telling.close()
  await open.tree.close().catch(() => undefined) // What is not signed yet is, at the next start.
  await open.shelf.close()
}

/** Waits for `work`, but not for ever. */
export async function within(world: World, ms: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController()
  const wait = world.wait(ms, late.signal).catch(() => undefined)
  await Promise.race([work, wait])
  late.abort()
}
