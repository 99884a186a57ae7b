import { TaskFault } from './fault.ts'

/** What the engine cannot decide for itself. Tests and the simulator bring their own. */
export interface World {
  /** Milliseconds since the epoch. May jump; the journal of one task never goes back. */
  readonly now: () => number
  /** Milliseconds that never go back, for durations. Default: `now`. */
  readonly monotonic?: () => number
  /** Unguessable bytes. */
  readonly random: (bytes: number) => Uint8Array
  /** Runs `then` once after `ms`; returns the way to call it off. */
  readonly after: (ms: number, then: () => void) => () => void
  /** Runs `then` once everything that can run by itself has run. Default: `setImmediate`. */
  readonly soon?: (then: () => void) => void
}

/** The machine's own clock, chance and timers. Its timers keep the process alive until cleared. */
export const systemWorld: World = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: pooled(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms)
    return () => {
      clearTimeout(timer)
    }
  },
}

/** One call to the system fills many ids: each would cost microseconds otherwise. */
function pooled(): World['random'] {
  const pool = new Uint8Array(8_192)
  let used = pool.length
  return (bytes) => {
    if (bytes > pool.length) throw new RangeError('More than 8,192 random bytes at once.')
    if (used + bytes > pool.length) {
      crypto.getRandomValues(pool)
      used = 0
    }
    const taken = pool.slice(used, used + bytes)
    pool.fill(0, used, used + bytes)
    used += bytes
    return taken
  }
}

const TIME_CHARS = 9

/**
 * A fresh id: 9 characters of time, then 22 that carry 128 random bits. Ids that were made together
 * lie together in every index, which is what lets one commit carry many of them.
 */
export const newId = (world: World): string => {
  const time = Math.max(0, Math.trunc(world.now())).toString(36).padStart(TIME_CHARS, '0')
  const { buffer, byteOffset } = world.random(16)
  return `${time}${Buffer.from(buffer, byteOffset, 16).toString('base64url')}`
}

/** Milliseconds for durations: of a clock that does not jump, where the world has one. */
export const elapsed = (world: World): number => world.monotonic?.() ?? world.now()

/** Node cannot count further with one timer: it would run it at once. */
export const TIMER_MS_MAX = 2_147_000_000

/** Runs `then` once after `ms`, however long that is; returns the way to call it off. */
export function later(world: World, ms: number, then: () => void): () => void {
  let left = ms
  let off: () => void
  const arm = (): void => {
    const part = Math.min(left, TIMER_MS_MAX)
    left -= part
    off = world.after(part, left > 0 ? arm : then)
  }
  arm()
  return () => {
    off()
  }
}

/** A hundred years: who waits longer waits for ever. */
const MS_MAX = 3_155_760_000_000

/** A duration in whole milliseconds from 0 up. @throws TaskFault `task/bad-value` for what is none. */
export function toMs(what: string, ms: number): number {
  if (Number.isNaN(ms)) {
    throw new TaskFault('task/bad-value', `${what} must be a number of milliseconds.`)
  }
  return Math.min(MS_MAX, Math.max(0, Math.ceil(ms)))
}

/** Runs `then` once everything that can run by itself has run. */
export function soon(world: World, then: () => void): void {
  if (world.soon) world.soon(then)
  else setImmediate(then)
}
