import type { Fault, Revision, RpcError } from '@countersign/contract'
import type { TraceContext } from '#telemetry'

/** One message on its way out, serialised once. */
export interface Parcel {
  /** Ours, from 1; undefined for notifications and for answers to the server's requests. */
  readonly id: number | undefined
  /** Undefined for answers. */
  readonly method: string | undefined
  readonly text: string
  /** Becomes the version header over HTTP; undefined before the handshake. */
  readonly revision: Revision | undefined
  /** `params.name` or `params.uri`, for `Mcp-Name` of modern HTTP (H-028). */
  readonly name: string | undefined
  readonly paramHeaders: Readonly<Record<string, string>> | undefined
  /** Called when the server hung up on purpose, to go on after so many milliseconds (H-066). */
  readonly paused: ((retryMs: number) => void) | undefined
  /** Called with the ledger's name of what is shown with it. */
  readonly showed?: ((credential: string) => void) | undefined
  /** The trace that it is part of, for the headers; the body says it too. */
  readonly trace?: TraceContext | undefined
  /** Called once when the server has taken a notification, or never will. */
  readonly taken: (() => void) | undefined
}

/** Why a request will get no answer in the usual place. */
export interface Loss {
  readonly fault: Fault
  /** The HTTP status, when it was one that said so. */
  readonly status?: number
  /** The JSON-RPC error in the body of that refusal. */
  readonly error?: RpcError
}

/** Who hears what a wire brings. */
export interface Receiver {
  /** The first byte of this request is about to leave. Said once. */
  readonly leaving: (id: number) => void
  /**
   * One JSON value and the text that it was read from. `lane` is the request on whose own stream it
   * came; undefined where one stream carries everything, as on stdio.
   */
  readonly receive: (value: unknown, text: string, lane: number | undefined) => void
  /** This request will not be answered; the wire goes on. */
  readonly lost: (id: number, loss: Loss) => void
  /** The server has forgotten the session: nothing new may be sent here (H-079). */
  readonly expired: (fault: Fault) => void
  /** Messages outside calls may have been missed. */
  readonly gap: () => void
  /** The wire is over, and with it all that was under way. Said once. */
  readonly ended: (fault: Fault) => void
}

/** How messages reach one server and come back. Knows framing and headers, not what is said. */
export interface Wire {
  readonly kind: 'stdio' | 'http' | 'sse'
  readonly pid: number | undefined
  /** Never throws for the wire's own reasons; those are reported as `lost`. */
  readonly send: (parcel: Parcel) => void
  /** Nobody waits for this request any more: over HTTP its stream is closed. */
  readonly forget: (id: number) => void
  /** Opens or closes the stream for messages outside calls, where a transport has a separate one. */
  readonly listen: (open: boolean) => void
  /** Leaves politely, then by force. Bounded; may be called again. */
  readonly close: () => Promise<void>
}
