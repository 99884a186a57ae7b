import { hash } from 'node:crypto'
import { Fault } from '@countersign/contract'
import type { World } from '#base'
import type { Migration, Store } from '#store'
import type { Proven } from './proof.ts'

export const AUTH_TABLES: Migration = {
  room: 'auth',
  steps: [
    `CREATE TABLE spent_proofs (
       digest TEXT PRIMARY KEY,
       until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX spent_proofs_until ON spent_proofs (until);`,
  ],
}

/** Proofs that are too old to be taken are forgotten this often. */
const SWEEP_MS = 60_000

/**
 * Proofs that were used, kept where every process sees them and a restart finds them (RFC 9449 §11.1).
 * Of many that show one proof at once, the insert that the store lets through wins.
 */
export function spentProofs(
  world: World,
  store: Store,
): { readonly spend: (jkt: string, proven: Proven) => Promise<void> } {
  const insert = store.prepare(
    'INSERT INTO spent_proofs (digest, until) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING',
  )
  const sweep = store.prepare('DELETE FROM spent_proofs WHERE until < ?')
  let sweptAt = Number.NEGATIVE_INFINITY
  const write = (digest: string, until: number): boolean => {
    if (world.monotonic() - sweptAt > SWEEP_MS) {
      sweep.run(world.now())
      sweptAt = world.monotonic()
    }
    return insert.run(digest, until).changes === 1
  }
  return {
    spend: async (jkt, { jti, until }) => {
      // Of its key: nobody can use up the identifiers of somebody else.
      const digest = hash('sha256', `${jkt} ${jti}`, 'base64url')
      let isFirst: boolean
      try {
        isFirst = await store.commit(() => write(digest, Math.ceil(until)))
      } catch (cause) {
        throw new Fault('auth/unavailable', 'The proof cannot be written down.', { cause })
      }
      if (!isFirst) throw new Fault('auth/proof', 'This DPoP proof was used before.')
    },
  }
}
