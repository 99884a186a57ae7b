import type { JsonObject } from '@countersign/contract'
import type { Entry } from '#audit'
import type { Format } from './event.ts'
import { isKind, isWanted, type Filter } from './filter.ts'
import type { Renderer } from './render.ts'
import type { Tail } from './tail.ts'

/** Some of what happened, and where to go on. */
interface Listed {
  readonly events: readonly JsonObject[]
  /** The place up to which was looked: ask for what is after it next. */
  readonly next: number
  /** Whether that was the end, for now. */
  readonly isEnd: boolean
}

interface Asked {
  readonly filter: Filter
  readonly format: Format
  /** The place after which it begins; undefined: so that the newest `limit` entries are looked at. */
  readonly after: number | undefined
  readonly limit: number
}

export interface Lister {
  readonly list: (asked: Asked) => Promise<Listed>
}

export interface ListerRooms {
  readonly tail: Pick<Tail, 'head'>
  readonly renderer: Renderer
  readonly callOf: (task: string) => Promise<string | undefined>
  readonly read: (range: { readonly after: number }) => Promise<readonly Entry[]>
}

/** The most entries that one question looks through. */
const LOOKED_MAX = 10_000

/** The same as the stream, for whoever asks now and then. */
export const makeLister = ({ tail, renderer, callOf, read }: ListerRooms): Lister => ({
  list: async ({ filter, format, after, limit }) => {
    const ofTask = filter.task === undefined ? undefined : await callOf(filter.task)
    const start = after ?? Math.max(0, (await tail.head()) - limit)
    const events: JsonObject[] = []
    let next = start
    while (next - start < LOOKED_MAX) {
      const entries = await read({ after: next })
      if (entries.length === 0) return { events, next, isEnd: true }
      for (const entry of entries) {
        if (events.length >= limit) return { events, next, isEnd: false }
        next = entry.seq
        if (!isKind(filter, entry.kind)) continue
        const about = await renderer.about(entry)
        if (isWanted(filter, entry, about, ofTask))
          events.push(renderer.render(format, entry, about))
      }
    }
    return { events, next, isEnd: false }
  },
})
