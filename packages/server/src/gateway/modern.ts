import type { Fault, RpcRequest, RpcResponse } from '@countersign/contract'
import type { Principal } from '#auth'
import type { View } from '#registry'
import type { Conversation, Parking, Replays } from '#tasks'
import type { Outcome } from './asked.ts'
import type { CallRooms } from './call.ts'
import type { Channel, Voice } from './client.ts'
import type { ListRooms } from './lists.ts'
import type { Envelope, Headers } from './read.ts'

export interface ModernRooms extends CallRooms, ListRooms {
  readonly parking: Parking<Outcome, Voice>
  readonly replays: Replays<Served>
}

/** A modern client's call while it runs. */
export type Talk = Conversation<Outcome, Voice>

/** One request of the modern era: everything it needs is in here. */
export interface ModernRequest {
  readonly who: Principal
  readonly view: View
  readonly request: RpcRequest
  readonly envelope: Envelope
  /** Undefined over stdio, where nothing is mirrored (S-006). */
  readonly headers: Headers | undefined
  readonly channel: Channel
  /** Aborted when the client closes the stream: in this era that is a cancellation (H-050). */
  readonly signal: AbortSignal
}

/** A response, and the fault behind it when there is one: it decides the HTTP status. */
export interface Served {
  readonly response: RpcResponse
  readonly fault?: Fault
}
