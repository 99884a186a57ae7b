import type { World } from '#base'

export interface FakeWorld extends World {
  /** Lets time pass, and runs what was due, in order. */
  readonly pass: (ms: number) => void
}

interface Alarm {
  readonly due: number
  readonly ring: () => void
}

/** A world whose clock moves when told to, and where chance is always one half. */
export function makeWorld(): FakeWorld {
  let now = 1_000_000
  const alarms = new Set<Alarm>()
  const after = (ms: number, ring: () => void): (() => void) => {
    const alarm = { due: now + ms, ring }
    alarms.add(alarm)
    return () => void alarms.delete(alarm)
  }
  const pass = (ms: number): void => {
    const until = now + ms
    for (;;) {
      const [next] = [...alarms].filter(({ due }) => due <= until).toSorted((a, b) => a.due - b.due)
      if (!next) break
      alarms.delete(next)
      now = next.due
      next.ring()
    }
    now = until
  }
  return {
    now: () => now,
    monotonic: () => now,
    random: (bytes) => Buffer.concat([Buffer.of(0x80), Buffer.alloc(bytes)]).subarray(0, bytes),
    wait: (ms) =>
      new Promise((resolve) => {
        after(ms, resolve)
      }),
    after,
    env: () => undefined,
    spawn: () => {
      throw new TypeError('Nothing is started in this world.')
    },
    platform: 'linux',
    pid: 1,
    pass,
  }
}
