import { after, before } from 'node:test'
import { systemWorld, type World } from '#base'
import { silentLog } from '#telemetry'
import {
  makeUpstream,
  startKeeper,
  type Introduction,
  type Keeper,
  type ServerSpec,
  type Transport,
  type Upstream,
  type UpstreamEvent,
} from '#upstream'

/** One upstream and everything it said. */
export interface Told {
  readonly upstream: Upstream
  readonly events: UpstreamEvent[]
  /** Resolves with the next event that `wanted` accepts, past ones included. */
  readonly event: (wanted: (event: UpstreamEvent) => boolean) => Promise<UpstreamEvent>
}

/** `haste` makes the clocks of the house run that much faster. */
type More = Partial<ServerSpec> & { readonly haste?: number }

export interface Stage {
  /** `memory` is what is remembered of eras; a fresh one unless given. */
  readonly open: (transport: Transport, more?: More, memory?: Map<string, Introduction>) => Told
  /** Closes a peer when the file is over, whatever became of its story. */
  readonly use: <T extends { readonly close: () => Promise<void> }>(peer: T) => T
}

/** Opens upstreams for one file of stories, and closes all of them when it is over. */
export function makeStage(): Stage {
  const opened: { readonly close: () => Promise<void> }[] = []
  let keeper: Keeper | undefined
  let alive: NodeJS.Timeout | undefined
  before(() => {
    keeper = startKeeper(systemWorld)
    // The timers of the house keep nobody alive; a story does.
    alive = setInterval(() => undefined, 60_000)
  })
  after(async () => {
    for (const one of opened.toReversed()) await one.close()
    await keeper?.close()
    clearInterval(alive)
  })
  const theKeeper = (): Keeper => {
    if (!keeper) throw new TypeError('The stage is set before each story.')
    return keeper
  }
  return {
    open: (transport, more = {}, memory = new Map<string, Introduction>()) => {
      const { haste = 1, ...rest } = more
      const spec = { ...DEFAULTS, transport, ...rest }
      const told = tell({ keeper: theKeeper(), memory, world: hasty(haste) }, spec)
      opened.push(told.upstream)
      return told
    },
    use: (peer) => {
      opened.push(peer)
      return peer
    },
  }
}

const DEFAULTS = {
  id: 'peer',
  era: 'auto',
  start: 'demand',
  callTimeoutMs: 20_000,
  idleMs: 0,
  messageBytesMax: 4 * 1024 * 1024,
} as const

const hasty = (haste: number): World => ({
  ...systemWorld,
  monotonic: () => systemWorld.monotonic() * haste,
  after: (ms, then) => systemWorld.after(ms / haste, then),
})

interface Rooms {
  readonly world: World
  readonly keeper: Keeper
  readonly memory: Map<string, Introduction>
}

function tell({ world, keeper, memory }: Rooms, spec: ServerSpec): Told {
  const events: UpstreamEvent[] = []
  const waiting = new Set<() => void>()
  const upstream = makeUpstream(
    {
      world,
      log: silentLog,
      keeper,
      onEvent: (_server, event) => {
        events.push(event)
        for (const look of waiting) look()
      },
      remember: {
        recall: (id) => memory.get(id),
        store: (id, introduction) => memory.set(id, introduction),
      },
    },
    spec,
  )
  const event = (wanted: (event: UpstreamEvent) => boolean): Promise<UpstreamEvent> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find(wanted)
        if (!found) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  return { upstream, events, event }
}

/** How to run one of the programs in `peers/`. */
export const program = (name: string, ...args: string[]) => ({
  command: process.execPath,
  args: [new URL(`../peers/${name}`, import.meta.url).pathname, ...args],
  env: {},
})
