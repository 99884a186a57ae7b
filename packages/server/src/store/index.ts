/** store: connections, transactions, migrations; no table names. */
export { openStore } from './store.ts'
export type { Migration, Store } from './store.ts'
