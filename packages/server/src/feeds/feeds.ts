import type { Ledger } from '#audit'
import { makeSafeFetch } from '#auth'
import type { World } from '#base'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import { makeAboutBook } from './about.ts'
import { openDeadLetters } from './dead-letters.ts'
import { makeWebhookDesk, type Hook, type WebhookDesk } from './desk.ts'
import { fileSink, type FileSpec } from './file-sink.ts'
import { makeForwarder, type Forwarder, type Sink } from './forward.ts'
import { ownLease, recordLease } from './lease.ts'
import { makeLister, type Lister } from './lister.ts'
import { openPlace } from './place.ts'
import type { PostRooms, WebhookSpec } from './post.ts'
import { makeRenderer } from './render.ts'
import { STREAM_LIMITS, type StreamLimits } from './stream.ts'
import { makeStreams, type Streams } from './streams.ts'
import { openSwitch } from './switch.ts'
import { openTail, type Tail } from './tail.ts'
import { webhookSink } from './webhook-sink.ts'

/** What others are told, and where. */
export interface FeedSettings {
  /** Groups whose members see everything on the live stream; everybody else sees what is theirs. */
  readonly readers: readonly string[]
  readonly streamsMax: number
  readonly webhooks: readonly WebhookSpec[]
  readonly files: readonly FileSpec[]
}

export interface FeedRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly ledger: Pick<Ledger, 'read' | 'of' | 'note'>
  /** The name of the ledger, as in its checkpoints. */
  readonly origin: string
  /** Whether other nodes use these records, too: then one of them serves each sink. */
  readonly isShared: boolean
  /** The call that a task carries out. */
  readonly callOf: (task: string) => Promise<string | undefined>
  readonly explain: PostRooms['explain']
  readonly limits?: Partial<StreamLimits>
}

export interface Feeds {
  /** Something is about to be in the ledger. */
  readonly grew: () => void
  readonly streams: Streams
  readonly lister: Lister
  readonly webhooks: WebhookDesk
  /** How many entries each sink that this node serves is behind, and how many dead letters there are. */
  readonly figures: () => Promise<{
    readonly behind: Readonly<Record<string, number>>
    readonly dead: number
    readonly streams: number
  }>
  /** Hands on what was left, and what comes. */
  readonly start: () => void
  /** Ends the streams: the doors can close then. */
  readonly drain: () => void
  readonly close: () => Promise<void>
}

export function openFeeds(rooms: FeedRooms, settings: FeedSettings): Feeds {
  const { world, log, records, ledger, origin, callOf, explain } = rooms
  const tail = openTail({
    world,
    read: ledger.read,
    onProblem: (cause) => {
      log.warn({ cause: String(cause) }, 'the ledger cannot be followed')
    },
  })
  const renderer = makeRenderer(makeAboutBook(ledger.of), origin)
  const safeFetch = makeSafeFetch(world)
  const limits = { ...STREAM_LIMITS, streamsMax: settings.streamsMax, ...rooms.limits }
  const streams = makeStreams({ world, tail, renderer, callOf }, limits)
  const dead = openDeadLetters(records)
  const posting = { world, safeFetch, renderer, explain, dead, note: ledger.note }
  const hooks = settings.webhooks.map((spec): Hook => {
    const place = openPlace(records, `webhook ${spec.name}`)
    return { spec, flip: openSwitch(records, spec.name), place: place.read }
  })
  const sinks = [
    ...hooks.map(({ spec, flip }) => webhookSink(posting, spec, flip)),
    ...settings.files.map((spec) => fileSink(spec, { renderer, head: () => tail.head() })),
  ]
  const forward = (sink: Sink): Forwarder => {
    const lease = rooms.isShared ? recordLease(rooms, sink.name) : ownLease
    const place = openPlace(records, sink.name)
    return makeForwarder({ world, log, tail, renderer, lease, place }, sink)
  }
  const forwarders = sinks.map((sink) => ({ name: sink.name, forwarder: forward(sink) }))
  const webhooks = makeWebhookDesk(
    { ...posting, read: ledger.read, head: () => tail.head() },
    hooks,
  )
  return {
    grew: tail.grew,
    streams,
    lister: makeLister({ tail, renderer, callOf, read: ledger.read }),
    webhooks,
    figures: () => figuresOf({ tail, streams, webhooks, forwarders }),
    start: () => {
      for (const { forwarder } of forwarders) forwarder.start()
    },
    drain: () => {
      streams.close()
    },
    close: async () => {
      streams.close()
      const closing = forwarders.map(({ forwarder }) => forwarder.close())
      tail.close()
      await safeFetch.close()
      await Promise.all(closing)
    },
  }
}

interface Figured {
  readonly tail: Tail
  readonly streams: Streams
  readonly webhooks: WebhookDesk
  readonly forwarders: readonly { readonly name: string; readonly forwarder: Forwarder }[]
}

async function figuresOf({
  tail,
  streams,
  webhooks,
  forwarders,
}: Figured): ReturnType<Feeds['figures']> {
  const head = await tail.head()
  const lines = await webhooks.list()
  const behind = forwarders.flatMap(({ name, forwarder }) => {
    const at = forwarder.at()
    return at === undefined ? [] : [[name, Math.max(0, head - at)] as const]
  })
  return {
    behind: Object.fromEntries(behind),
    dead: lines.reduce((sum, line) => sum + line.dead, 0),
    streams: streams.count(),
  }
}
