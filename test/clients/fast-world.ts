import { systemWorld, type World } from '../../packages/server/src/base/index.ts'

export interface FastWorld extends World {
  /** From now on everything happens so many times faster. */
  readonly hurry: (speed: number) => void
}

/**
 * A world whose time can be made to run faster, so that the gateway's own settings are tested against
 * the clocks of real clients, minutes long, in seconds. What it has begun to wait for keeps its pace.
 */
export function fastWorld(): FastWorld {
  let speed = 1
  let turned = systemWorld.monotonic()
  let passed = 0
  const elapsed = (): number => passed + (systemWorld.monotonic() - turned) * speed
  const [began, start] = [systemWorld.now(), systemWorld.monotonic()]
  return {
    ...systemWorld,
    now: () => Math.floor(began + elapsed()),
    monotonic: () => start + elapsed(),
    wait: (ms, signal) => systemWorld.wait(ms / speed, signal),
    after: (ms, then) => systemWorld.after(ms / speed, then),
    hurry: (faster) => {
      passed = elapsed()
      turned = systemWorld.monotonic()
      speed = faster
    },
  }
}
