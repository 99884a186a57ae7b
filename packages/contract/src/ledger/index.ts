/** ledger: what an auditor needs who has an export, a public key and no trust in us. */
export * from './base64.ts'
export * from './checkpoint.ts'
export * from './entry.ts'
export * from './merkle.ts'
export * from './note.ts'
export * from './verify-export.ts'
export * from './verify-receipt.ts'
