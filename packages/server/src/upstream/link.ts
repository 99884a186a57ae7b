import type { Fault, JsonObject, Kind } from '@countersign/contract'
import manifest from '../../package.json' with { type: 'json' }
import type { World } from '#base'
import type { Log } from '#telemetry'
import type { Rpc } from './rpc.ts'
import type {
  Exchange,
  Introduction,
  Listing,
  Outgoing,
  Reply,
  UpstreamEvent,
  UpstreamTasks,
  Watch,
} from './upstream.ts'

/** One connection to a server whose era is known. */
export interface Link {
  readonly introduction: Introduction
  readonly call: (outgoing: Outgoing, exchange: Exchange) => Promise<Reply>
  readonly list: (kind: Kind, signal: AbortSignal | undefined) => Promise<Listing>
  readonly watch: (watch: Watch) => void
  readonly tasks: UpstreamTasks
  /** Stops what it does by itself; the wire is closed by whoever opened it. */
  readonly close: () => void
}

/** What both eras of link work with. */
export interface Hop {
  readonly world: World
  readonly log: Log
  readonly server: string
  readonly rpc: Rpc
  readonly callTimeoutMs: number
  readonly emit: (event: UpstreamEvent) => void
  readonly expired: (fault: Fault) => void
  readonly ended: (fault: Fault) => void
}

/** For our own requests: lists, subscriptions. Far above what they take, far below for ever. */
export const OWN_REQUEST_MS = 30_000

/** How we introduce ourselves. The client behind a call is never named: identity is per hop. */
export const GATEWAY: JsonObject = { name: 'countersign', version: manifest.version }

export const NO_WATCH: Watch = { lists: false, resources: new Set(), logLevel: undefined }

export const isWatching = (watch: Watch): boolean =>
  watch.lists || watch.resources.size > 0 || watch.logLevel !== undefined

/** After a gap nobody knows what was missed, so everything watched has changed (L-015, S-010). */
export function emitGap(emit: (event: UpstreamEvent) => void, watch: Watch): void {
  if (watch.lists) {
    for (const list of ['tools', 'prompts', 'resources'] as const) {
      emit({ kind: 'list-changed', list })
    }
  }
  for (const uri of watch.resources) emit({ kind: 'resource-updated', uri })
}
