import type { Manners } from './manners.ts'

/** The clock of one call. */
export interface Patience {
  /** Resolves with nothing when the clock has run out. */
  readonly end: Promise<undefined>
  readonly renew: (by: 'bytes' | 'progress') => void
  readonly stop: () => void
}

/** Runs `then` once after `ms`; returns the way to call it off. */
export type After = (ms: number, then: () => void) => () => void

export function patienceOf({ patience }: Pick<Manners, 'patience'>, after: After): Patience {
  const { promise: end, resolve } = Promise.withResolvers<undefined>()
  const set = (): (() => void) => after(patience.ms, () => resolve(undefined))
  let stop = set()
  return {
    end,
    renew: (by) => {
      // Progress is made of bytes too, but a clock that listens to progress hears no comments.
      if (patience.renewedBy !== by) return
      stop()
      stop = set()
    },
    stop: () => stop(),
  }
}

/** The clock of this machine, so many times faster. */
export const faster =
  (speed: number): After =>
  (ms, then) => {
    const timer = setTimeout(then, ms / speed)
    return () => clearTimeout(timer)
  }
