import { hash } from 'node:crypto'
import { Fault } from '@countersign/contract'
import type { Migration, Records } from '#store'
import type { Proven } from './proof.ts'

/** What the room kept in tables of its own; now they are records. */
export const AUTH_TABLES: Migration = {
  room: 'auth',
  steps: [
    `CREATE TABLE spent_proofs (
       digest TEXT PRIMARY KEY,
       until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX spent_proofs_until ON spent_proofs (until);`,
    'DROP TABLE spent_proofs',
  ],
}

const KIND = 'SpentProof'

/**
 * Proofs that were used, kept where every process sees them and a restart finds them (RFC 9449 §11.1).
 * Of many that show one proof at once, the one that the store lets through wins.
 */
export const spentProofs = (
  records: Records,
): { readonly spend: (jkt: string, proven: Proven) => Promise<void> } => ({
  spend: async (jkt, { jti, until }) => {
    // Of its key: nobody can use up the identifiers of somebody else.
    const digest = hash('sha256', `${jkt} ${jti}`, 'base64url')
    let isFirst: boolean
    try {
      isFirst = await records.add(KIND, digest, {}, { until })
    } catch (cause) {
      throw new Fault('auth/unavailable', 'The proof cannot be written down.', { cause })
    }
    if (!isFirst) throw new Fault('auth/proof', 'This DPoP proof was used before.')
  },
})
