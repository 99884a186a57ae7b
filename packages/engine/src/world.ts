/** What the engine cannot decide for itself. Tests and the simulator bring their own. */
export interface World {
  /** Milliseconds since the epoch. May jump; the journal of one task never goes back. */
  readonly now: () => number
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
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  after: (ms, then) => {
    const timer = setTimeout(then, ms)
    return () => {
      clearTimeout(timer)
    }
  },
}

/** A fresh id: 22 characters that carry 128 random bits. */
export const newId = (world: World): string =>
  Buffer.from(world.random(16).buffer, 0, 16).toString('base64url')

/** Runs `then` once everything that can run by itself has run. */
export function soon(world: World, then: () => void): void {
  if (world.soon) world.soon(then)
  else setImmediate(then)
}
