import { z } from 'zod'
import type { PayloadSettings } from '#audit'
import { bytes, duration } from './limits.ts'

const DAY_MS = 86_400_000
const KIB = 1_024
const MIB = 1_024 * KIB
/** From what a test of the settings takes to what the law asks of most. */
const RETENTION = { min: 60_000, max: 3_650 * DAY_MS }

const kept = (fallbackMs: number) =>
  z
    .union([z.literal('off').transform(() => 0), duration(RETENTION)], {
      error: 'expected off or a time from 1 min to 3650 d, such as "30 d"',
    })
    .default(fallbackMs)

export const payloadsSchema = z
  .strictObject({
    arguments: z
      .enum(['off', 'keep'])
      .default('off')
      .describe('Whether what calls are given is kept, sealed under a key of whoever calls.'),
    results: z.enum(['off', 'keep']).default('off').describe('The same for what comes back.'),
    retention: z
      .strictObject({
        read: kept(7 * DAY_MS),
        idempotent: kept(30 * DAY_MS),
        write: kept(30 * DAY_MS),
        destructive: kept(90 * DAY_MS),
      })
      .prefault({})
      .describe('How long, by what the call does; `off` keeps nothing of that class.'),
    bytesMax: bytes(
      { min: KIB, max: 64 * MIB, fallback: MIB },
      'The largest that is kept. Of a larger one there is only the digest, and the entry says so.',
    ),
    totalBytesMax: bytes(
      { min: MIB, max: 999_999 * MIB, fallback: 1_024 * MIB },
      'All of them together. When it is reached, new ones are not kept, and their entries say so.',
    ),
  })
  .prefault({})
  .describe(
    'What calls carried, apart from their entries. Without this: digests, and nothing else.',
  )

/** The settings as the room reads them. */
export const payloadsOf = (read: z.output<typeof payloadsSchema>): PayloadSettings => ({
  arguments: read.arguments === 'keep',
  results: read.results === 'keep',
  retentionMs: read.retention,
  bytesMax: read.bytesMax,
  totalBytesMax: read.totalBytesMax,
})
