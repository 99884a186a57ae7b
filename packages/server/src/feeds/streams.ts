import { Fault } from '@countersign/contract'
import type { Event } from './event.ts'
import { Stream, type Carrier, type StreamLimits, type StreamRooms, type Wish } from './stream.ts'

/** Who listens, as it happens. */
export interface Streams {
  /** Resolves when the stream is over. @throws Fault when there are too many, or we are closing. */
  readonly open: (wish: Wish, carrier: () => Carrier) => Promise<void>
  /** How far a task of `owner` is, for whoever listens now. */
  readonly progress: (event: Event, owner: string) => void
  readonly count: () => number
  readonly close: () => void
}

export function makeStreams(rooms: StreamRooms, limits: StreamLimits): Streams {
  const closing = new AbortController()
  const streams = new Set<Stream>()
  const openOf = (who: string): number => [...streams].filter((one) => one.who === who).length
  return {
    open: async (wish, carrier) => {
      if (closing.signal.aborted) throw new Fault('http/closing', 'Countersign is stopping.')
      if (streams.size >= limits.streamsMax) {
        throw new Fault(
          'http/busy',
          `${String(limits.streamsMax)} streams are open already. See events.streamsMax.`,
        )
      }
      if (wish.who !== undefined && openOf(wish.who) >= limits.ownMax) {
        throw new Fault(
          'http/busy',
          `${String(limits.ownMax)} streams of yours are open already. Close one of them.`,
        )
      }
      const stream = new Stream(rooms, wish, carrier(), limits)
      streams.add(stream)
      try {
        await stream.run(closing.signal)
      } finally {
        streams.delete(stream)
      }
    },
    progress: (event, owner) => {
      for (const stream of streams) void stream.progress(event, owner).catch(() => undefined)
    },
    count: () => streams.size,
    close: () => {
      closing.abort()
    },
  }
}
