import { toMs, type World } from '../world.ts'

/** When a failed try is repeated. Waiting is durable: it holds a row, not a promise. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly tries: number
  /** Pause after the first failure. Default 1,000. */
  readonly firstMs?: number
  /** Default 60,000. */
  readonly maxMs?: number
  /** What each pause is multiplied by. Default 2. */
  readonly factor?: number
  /** How much of a pause is left to chance, 0 to 1. Default 0.5. */
  readonly jitter?: number
  /** False for a failure that will not go away. */
  readonly when?: (error: unknown) => boolean
}

const BITS_32 = 0x1_0000_0000

/** A number from 0 up to 1, by the world's chance. */
const chance = (world: World): number => {
  const [a = 0, b = 0, c = 0, d = 0] = world.random(4)
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) / BITS_32
}

/** Milliseconds until the next try after `failed` failures, or undefined when there is none. */
export function pauseAfter(
  policy: RetryPolicy | undefined,
  failed: number,
  error: unknown,
  world: World,
): number | undefined {
  if (!policy || failed >= policy.tries || policy.when?.(error) === false) return undefined
  const { firstMs = 1_000, maxMs = 60_000, factor = 2, jitter = 0.5 } = policy
  const full = Math.min(maxMs, firstMs * factor ** (failed - 1))
  return toMs('firstMs', full * (1 - jitter * chance(world)))
}
