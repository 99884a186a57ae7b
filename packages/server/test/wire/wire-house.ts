// A house whose clocks a test decides: what happens is never a matter of how busy the machine is.

import { systemWorld, type World } from '#base'
import { openTestHouse, type Plan, type TestHouse } from '../stories/house.ts'

/** An answer becomes a stream when something is said before it, and not because it took this long. */
const UNHURRIED: Readonly<Record<number, number>> = { 250: 60_000 }

/** A world in which some waits, told by their milliseconds, take others. */
export const worldWith = (times: Readonly<Record<number, number>> = {}): World => ({
  ...systemWorld,
  after: (ms, then) => systemWorld.after({ ...UNHURRIED, ...times }[ms] ?? ms, then),
})

export const openWireHouse = (plan: Plan): Promise<TestHouse> =>
  openTestHouse({ world: worldWith(), ...plan })
