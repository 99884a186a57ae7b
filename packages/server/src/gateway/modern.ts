import type { Fault, RpcRequest, RpcResponse } from '@countersign/contract'
import type { Principal } from '#auth'
import type { View, Views } from '#registry'
import type { RequestSpan } from '#telemetry'
import type { Conversation, Outcome, Parking, Replays } from '#tasks'
import type { Carrier, CarryRooms } from './carry.ts'
import type { Channel } from './client.ts'
import type { ListRooms } from './lists.ts'
import type { Patiences } from './patience.ts'
import type { Polls } from './polls.ts'
import type { Envelope, Headers } from './read.ts'
import type { Looks } from './words.ts'

export interface ModernRooms extends CarryRooms, ListRooms {
  readonly views: Views
  readonly patiences: Patiences
  readonly looks: Looks
  readonly polls: Polls
  readonly parking: Parking<Parkable>
  readonly replays: Replays<Served>
}

/** What comes back when a client that was shown questions answers them. */
export interface Parkable {
  readonly conversation: Conversation<Outcome>
  /** Of a call that was no task when it was parked. */
  readonly carrier: Carrier | undefined
  readonly task: string | undefined
}

/** One request of the modern era: everything it needs is in here. */
export interface ModernRequest {
  readonly who: Principal
  readonly view: View
  readonly request: RpcRequest
  readonly envelope: Envelope
  /** Undefined over stdio, where nothing is mirrored (S-006). */
  readonly headers: Headers | undefined
  /** The network address of the client; undefined over stdio. */
  readonly address?: string | undefined
  readonly channel: Channel
  /** What is told of it, where somebody listens. */
  readonly span?: RequestSpan
  /** Aborted when the client closes the stream: in this era that is a cancellation (H-050). */
  readonly signal: AbortSignal
}

/** A response, and the fault behind it when there is one: it decides the HTTP status. */
export interface Served {
  readonly response: RpcResponse
  readonly fault?: Fault
}
