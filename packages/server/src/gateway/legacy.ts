import type { Fault, RpcRequest, RpcResponse } from '@countersign/contract'
import type { Principal } from '#auth'
import type { View, Views } from '#registry'
import type { RequestSpan } from '#telemetry'
import type { CarryRooms } from './carry.ts'
import type { Channel } from './client.ts'
import type { Hub } from './hub.ts'
import type { ListRooms } from './lists.ts'
import type { Patiences } from './patience.ts'
import type { Polls } from './polls.ts'
import type { SentToPages } from './sent-to-pages.ts'
import type { Session } from './session.ts'
import type { From } from './whence.ts'
import type { Looks } from './words.ts'

export interface LegacyRooms extends CarryRooms, ListRooms {
  readonly hub: Hub
  readonly views: Views
  readonly patiences: Patiences
  readonly looks: Looks
  readonly polls: Polls
  readonly sent: SentToPages
}

/** One request of a legacy session. */
export interface LegacyRequest {
  readonly who: Principal
  readonly view: View
  readonly session: Session
  readonly request: RpcRequest
  readonly channel: Channel
  /** Undefined over stdio. */
  readonly from: From | undefined
  /** What is told of it, where somebody listens. */
  readonly span?: RequestSpan
}

/** A response; none when the client cancelled the request, which is then not answered (P-010). */
export interface LegacyServed {
  readonly response?: RpcResponse
  readonly fault?: Fault
}
