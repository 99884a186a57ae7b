import type { QuotaLine } from '@countersign/contract/admin-quota'
import type { World } from '#base'
import { Counters, type Limit, type Took } from './limit.ts'
import type { QuotaSpec, RateSpec } from './quota-spec.ts'
import { lengthInWords } from './span.ts'

/** What one bucket holds, in whole parts: a call costs `perMs` of them, and each ms brings `calls`. */
export interface Bucket {
  credit: number
  /** In whole milliseconds. */
  at: number
}

export const fullCredit = ({ burst, perMs }: RateSpec): number => burst * perMs

/** What came in since it was last looked at. Whole numbers: no rounding ever makes a call of nothing. */
export function refill(bucket: Bucket, spec: RateSpec, now: number): void {
  const at = Math.floor(now)
  if (at <= bucket.at) return
  bucket.credit = Math.min(fullCredit(spec), bucket.credit + (at - bucket.at) * spec.calls)
  bucket.at = at
}

/** In how many milliseconds one call will be there. */
export const waitMs = ({ credit }: Pick<Bucket, 'credit'>, { perMs, calls }: RateSpec): number =>
  Math.ceil((perMs - credit) / calls)

export const rateInWords = ({ calls, perMs, burst }: RateSpec): string =>
  `${String(calls)} calls in ${lengthInWords(perMs)}, and ${String(burst)} at one moment`

/** A token bucket for each key, in this process: a restart fills them. */
export function makeRate({ monotonic }: World, { name }: QuotaSpec, spec: RateSpec): Limit {
  const full = (): Bucket => ({ credit: fullCredit(spec), at: Math.floor(monotonic()) })
  const filled = (bucket: Bucket): Bucket => {
    refill(bucket, spec, monotonic())
    return bucket
  }
  const buckets = new Counters<Bucket>(full, (one) => filled(one).credit === fullCredit(spec))
  return {
    words: rateInWords(spec),
    take: (key): Took => {
      const bucket = filled(buckets.of(key))
      if (bucket.credit < spec.perMs) return { kind: 'full', againMs: waitMs(bucket, spec) }
      bucket.credit -= spec.perMs
      return {
        kind: 'taken',
        leave: (hasLeft) => {
          if (!hasLeft) bucket.credit = Math.min(fullCredit(spec), bucket.credit + spec.perMs)
        },
      }
    },
    list: async () =>
      [...buckets.all()].map(({ key, value }): QuotaLine => {
        const left = Math.floor(filled(value).credit / spec.perMs)
        return { quota: name, limit: 'rate', key, max: spec.burst, left }
      }),
    reset: async (isMeant) => {
      buckets.remove(isMeant)
    },
    close: async () => undefined,
  }
}
