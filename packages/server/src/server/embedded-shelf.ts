import { join } from 'node:path'
import { sqliteStore, TASK_TABLES } from '@countersign/engine'
import { LEDGER_TABLES, PAYLOAD_TABLES, sqliteLedger } from '#audit'
import { AUTH_TABLES } from '#auth'
import type { Config } from '#config'
import { GATEWAY_TABLES } from '#gateway'
import { makeRules, REGISTRY_TABLES, sqliteCatalog } from '#registry'
import { openStore, RECORD_TABLES, storeRecords } from '#store'
import type { Shelf, ShelfRooms } from './shelf.ts'

const TABLES = [
  LEDGER_TABLES,
  PAYLOAD_TABLES,
  REGISTRY_TABLES,
  GATEWAY_TABLES,
  AUTH_TABLES,
  RECORD_TABLES,
  { room: 'tasks', steps: TASK_TABLES },
]

/** One file in the data folder, which this process owns; everything in it shares its commits. */
export function embeddedShelf({ data, rules }: Config, { world }: ShelfRooms): Shelf {
  const store = openStore(join(data, 'countersign.db'), TABLES)
  return {
    isShared: false,
    records: storeRecords(world, store),
    lines: sqliteLedger(store),
    definitions: sqliteCatalog(store, makeRules(rules)),
    tasks: {
      store: sqliteStore({
        prepare: (sql) => store.prepare(sql),
        commit: (write) => store.commit(write),
        close: () => undefined, // The house closes it, after everything that writes.
      }),
      dispatcher: undefined,
    },
    scrub: () => {
      store.scrub()
    },
    close: async () => {
      store.close()
    },
  }
}
