import type { World } from '#base'

interface Bounds {
  readonly firstMs: number
  readonly maxMs: number
}

/** The wait before attempt `failures + 1`: doubles, bounded, and jittered over its upper half. */
export function backoffMs(world: World, failures: number, { firstMs, maxMs }: Bounds): number {
  const whole = Math.min(maxMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)))
  const chance = world.random(4).readUInt32BE() / 0x1_0000_0000
  return Math.round(whole / 2 + (whole / 2) * chance)
}
