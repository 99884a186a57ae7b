import { hash } from 'node:crypto'
import type { World } from '#base'
import type { Records } from '#store'
import { badGrant } from './refused.ts'

const KIND = 'Assertion'
/** Beyond the clock that judges it: nothing is forgotten a moment before it expires. */
const MARGIN_MS = 1_000

/**
 * Uses up an assertion: of many that show it at once, on whatever node, one gets a token (AS32, WI2).
 * Of its issuer: nobody can use up the identifiers of another.
 */
export async function spendAssertion(
  { records, world, skewMs }: { records: Records; world: World; skewMs: number },
  issuer: string,
  { id, expiresAt }: { readonly id: string; readonly expiresAt: number },
): Promise<void> {
  const digest = hash('sha256', JSON.stringify([issuer, id]), 'base64url')
  const until = Math.max(expiresAt, world.now()) + skewMs + MARGIN_MS
  const isFirst = await records.add(KIND, digest, {}, { until })
  if (!isFirst) throw badGrant('It was used before: it is good for one token.')
}
