/** audit: what happened, in an order nobody can quietly change. */
export { openLedger, LEDGER_TABLES } from './ledger.ts'
export type { Closing, Entry, Ledger, Opening, OpenEntry, ReadsPolicy } from './ledger.ts'
export { makeSigner } from './signer.ts'
export type { Signer } from './signer.ts'
export { openTree } from './tree.ts'
export type { ExportPage, Proof, Tree } from './tree.ts'
export { noPayloads } from './payloads.ts'
export type { Payloads } from './payloads.ts'
