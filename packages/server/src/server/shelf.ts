import type { Dispatcher, Store as TaskStore } from '@countersign/engine'
import type { LedgerStore } from '#audit'
import type { World } from '#base'
import type { Config } from '#config'
import type { CatalogStore } from '#registry'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import { embeddedShelf } from './embedded-shelf.ts'
import { postgresShelf } from './postgres-shelf.ts'

/** Everything that lasts, wherever it is kept. */
export interface Shelf {
  /** Whether other processes use it too. */
  readonly isShared: boolean
  readonly records: Records
  readonly lines: LedgerStore
  readonly definitions: CatalogStore
  readonly tasks: {
    readonly store: TaskStore
    /** Undefined where one process runs them all. */
    readonly dispatcher: Dispatcher | undefined
  }
  /** Leaves nothing of what was taken out; undefined where the database sees to that. */
  readonly scrub: (() => void) | undefined
  readonly close: () => Promise<void>
}

export interface ShelfRooms {
  readonly world: World
  readonly log: Log
  /** A command that only looks something up runs no tasks. */
  readonly startsServers?: boolean
}

/** One file of our own, or a database that many nodes share. */
export async function openShelf(config: Config, rooms: ShelfRooms): Promise<Shelf> {
  const { store } = config
  return store ? postgresShelf(config, store, rooms) : embeddedShelf(config, rooms)
}
