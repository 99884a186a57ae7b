import type { QuotaLine } from '@countersign/contract/admin-quota'
import { Counters, type Limit, type Took } from './limit.ts'
import type { QuotaSpec } from './quota-spec.ts'

export const atOnceInWords = (max: number): string =>
  `${String(max)} ${max === 1 ? 'call' : 'calls'} under way at one time`

/** How many calls are under way in this process. */
export function makeAtOnce({ name }: QuotaSpec, max: number): Limit {
  const counters = new Counters<{ inside: number }>(
    () => ({ inside: 0 }),
    ({ inside }) => inside === 0,
  )
  return {
    words: atOnceInWords(max),
    take: (key): Took => {
      const counter = counters.of(key)
      if (counter.inside >= max) return { kind: 'full', againMs: undefined }
      counter.inside++
      return {
        kind: 'taken',
        leave: () => {
          counter.inside--
        },
      }
    },
    list: async () =>
      [...counters.all()].map(({ key, value }): QuotaLine => ({
        quota: name,
        limit: 'atOnce',
        key,
        max,
        left: max - value.inside,
      })),
    // What is under way is under way: there is nothing to forget.
    reset: async () => undefined,
    close: async () => undefined,
  }
}
