/** W3C Trace Context, as it travels in headers and in `_meta`. */
export interface TraceContext {
  readonly traceparent: string
  readonly tracestate?: string
}

export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** One call, while it is under way. Nothing of what it carries is ever told. */
export interface CallSpan {
  /** What is sent on to the server instead of the caller's context; undefined: the caller's own. */
  readonly context: TraceContext | undefined
  readonly end: (facts: Facts) => void
}

/** What the world is told of calls as they happen: spans and figures, never payloads. */
export interface Telemetry {
  readonly call: (facts: Facts, from: TraceContext | undefined) => CallSpan
}

const SILENT: CallSpan = { context: undefined, end: () => undefined }

export const noTelemetry: Telemetry = { call: () => SILENT }
