import { z } from 'zod'
import { Stopped } from '../../admin-brake.ts'
import { count, digest, folded, text, texts } from './shapes.ts'

const change = z.strictObject({
  server: text,
  kind: text,
  name: text,
  from: digest.optional(),
  to: digest.optional(),
})
const changes = z.array(change).readonly()

/** What is in force: policies, configuration, brakes, definitions, and the ledger's own keys. */
export const CONTROL_ENTRIES = {
  'policy.changed': z.strictObject({
    version: z.int(),
    digest,
    before: z.strictObject({ version: z.int(), digest }).optional(),
    policies: count,
    added: texts,
    removed: texts,
    changed: texts,
    author: text,
    source: text,
    reason: text.optional(),
    /** Who sent it, where that is not who wrote it. */
    by: text.optional(),
  }),
  'policy.rejected': z.strictObject({ inForce: z.int(), mistakes: count, told: texts }),
  /** The house was opened with another configuration than before; secrets are not part of either. */
  'config.changed': z.strictObject({
    digest,
    before: digest.optional(),
    /** Sections of the configuration that differ. */
    sections: texts,
  }),
  /** Counters that began anew by hand; how many there were. */
  'quota.reset': z.strictObject({
    quota: text,
    key: z.record(z.string(), z.string()).optional(),
    counters: count,
    reason: text,
    by: text,
  }),
  'brake.pulled': z.strictObject({ brake: text, stopped: Stopped, reason: text, by: text }),
  'brake.released': z.strictObject({ brake: text, stopped: Stopped, reason: text, by: text }),
  revoked: z.strictObject({ kind: z.enum(['user', 'client', 'token']), id: text }),
  /** First definitions of a server, as they are listed and called from now on. */
  'definitions.admitted': z.strictObject({ server: text, count, changes }),
  'definitions.changed': z.strictObject({ server: text, count, changes }),
  /** Another server under this name: its definitions are read anew. */
  'server.changed': z.strictObject({ server: text }),
  /** A key that signs from the next checkpoint on. */
  'ledger.key': z.strictObject({
    /** The new key, as `countersign ledger key` prints it. */
    key: text,
    /** The one that signed before. */
    before: text.optional(),
    /** A note over both keys, signed by both; by the new one alone where the old one is lost. */
    handover: text.optional(),
    isLost: z.boolean().optional(),
    by: text.optional(),
  }),
  /** Checkpoints of this other ledger are kept from now on, and only ones signed by this key. */
  'witness.trusted': z.strictObject({ origin: text, key: text, by: text }),
  /** Another ledger showed a history that is not the one it showed before. */
  'witness.refused': z.union([
    z.strictObject({ origin: text, seen: count, shown: count, why: text }),
    folded,
  ]),
} as const

const credential = z.strictObject({
  server: text,
  principal: text,
  issuer: text,
  resource: text,
  client: text,
  scopes: texts,
  /** The first half of its digest: it names the token, and is of no other use. */
  token: text,
})

/** What we show to servers behind us. */
export const CREDENTIAL_ENTRIES = {
  'credential.connected': credential,
  'credential.obtained': credential,
  'credential.renewed': credential,
  'credential.lost': credential,
  'credential.removed': credential,
} as const
