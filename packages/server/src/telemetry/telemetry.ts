import type { TraceContext } from './trace-context.ts'

/** Where something comes from, as a trace has it. */
export interface Origin {
  readonly trace?: TraceContext | undefined
  /** What it comes from is over: it is linked to that, not part of it. */
  readonly isPast?: boolean | undefined
}

/** A request of a client, before anything is known of it but its frame. */
export interface Incoming {
  readonly method: string
  readonly id: string | number
  readonly revision: string
  readonly isHttp: boolean
  /** The id of its session, which is never told as it is. */
  readonly session?: string | undefined
  readonly address?: string | undefined
}

/** What it was about, in words of the catalogue: nothing that only the client says. */
export interface About {
  readonly server?: string | undefined
  readonly tool?: string | undefined
  readonly prompt?: string | undefined
}

/** How a request was answered. */
export interface Answered {
  readonly fault?: string | undefined
  readonly error?: number | undefined
  readonly isToolError?: boolean | undefined
}

/** The ids by which log lines are found again. */
export interface Ids {
  readonly trace_id?: string
  readonly span_id?: string
}

export interface RequestSpan {
  /** What follows from the request is part of this; undefined: of what its client said. */
  readonly context: TraceContext | undefined
  readonly ids: Ids
  readonly end: (answered: Answered, about: About) => void
}

/** A governed call: who calls what, never what it carries. */
export interface Called {
  readonly call: string
  readonly server: string
  readonly method: string
  readonly name: string
  readonly effect: string
  readonly view: string
  readonly round: number
  readonly decision: { readonly kind: string }
}

/** How a governed call ended. */
export interface Came {
  readonly outcome: string
  readonly isError?: boolean | undefined
  /** A code of ours, or of the server's error. */
  readonly reason?: string | undefined
}

/** One attempt of a call, while it is under way. */
export interface CallSpan {
  /** What goes to the server follows from this; undefined: from what the client said. */
  readonly context: TraceContext | undefined
  readonly end: (came: Came) => void
}

/** A request to a server behind us. */
export interface Sent {
  readonly server: string
  readonly method: string
  readonly id: number
  readonly revision: string | undefined
  readonly tool: string | undefined
  readonly prompt: string | undefined
  readonly isHttp: boolean
  readonly address?: string | undefined
  readonly port?: number | undefined
}

export interface SentSpan {
  readonly context: TraceContext | undefined
  readonly end: (answered: Answered) => void
}

/** Follows each request to the servers behind us. */
export type Tracks = (sent: Sent, from: Origin | undefined) => SentSpan

/** What the world is told as it happens: spans and figures, never payloads. */
export interface Telemetry {
  /** False where nobody listens: what would only be told is not put together. */
  readonly isOn: boolean
  readonly request: (incoming: Incoming, from: Origin) => RequestSpan
  readonly call: (called: Called, from: Origin | undefined) => CallSpan
  /** Undefined where nobody listens. */
  readonly tracks: Tracks | undefined
  /** Somebody was turned away at the door. */
  readonly refused: (fault: string) => void
  /** An entry of this kind was written. */
  readonly noted: (kind: string) => void
}

const nothing = (): void => undefined
const SILENT = { context: undefined, ids: {}, end: nothing } as const

export const noTelemetry: Telemetry = {
  isOn: false,
  request: () => SILENT,
  call: () => SILENT,
  tracks: undefined,
  refused: nothing,
  noted: nothing,
}
