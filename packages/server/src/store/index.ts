/** store: connections, transactions, migrations; the documents that rooms keep. */
export { postgresRecords } from './postgres-records.ts'
export {
  bringUpToDate,
  isDataError,
  isOverburdened,
  isRolledBack,
  sqlState,
} from './postgres-schema.ts'
export type { PostgresSchema } from './postgres-schema.ts'
export { openCounted } from './counted.ts'
export type { Counted } from './counted.ts'
export { RECORD_TABLES, storeRecords } from './records.ts'
export type { Keep, Records, Saved } from './records.ts'
export { openStore } from './store.ts'
export type { Migration, Store } from './store.ts'
