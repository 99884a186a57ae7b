/** audit: what happened, in an order nobody can quietly change. */
export { openLedger, LEDGER_TABLES } from './ledger.ts'
export type { Closing, Entry, Ledger, Opening, OpenEntry, ReadsPolicy } from './ledger.ts'
