/** The whole gateway in this process, with the workshop behind it and clocks that run faster. */
import { openTestHouse, type Plan } from '../../packages/server/test/stories/house.ts'
import { fastWorld } from './fast-world.ts'
import { connect } from './stand-ins/stand-in.ts'
import { wallClock } from './stand-ins/wall-clock.ts'
import { openWorkshop, type Workshop } from './workshop.ts'

export interface FastHouse extends AsyncDisposable {
  readonly url: URL
  readonly workshop: Workshop
}

export async function openFastHouse(speed: number, plan: Partial<Plan> = {}): Promise<FastHouse> {
  const workshop = await openWorkshop()
  const servers = { workshop: workshop.server }
  const world = fastWorld()
  const house = await openTestHouse({ ...plan, servers, world })
  const url = house.at()
  // A process takes its time to start, however fast the clocks are.
  using first = await connect(wallClock, { url, speed: 1 })
  await first.call('workshop_look_up', { label: 'ready' })
  world.hurry(speed)
  return {
    url,
    workshop,
    [Symbol.asyncDispose]: async () => {
      await workshop[Symbol.asyncDispose]()
      await house[Symbol.asyncDispose]()
    },
  }
}
