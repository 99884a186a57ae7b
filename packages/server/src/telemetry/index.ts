/** telemetry: spans, metrics, logs. */
export { makeLog, silentLog } from './log.ts'
export type { Log } from './log.ts'
export { noTelemetry } from './telemetry.ts'
export type { CallSpan, Facts, Telemetry, TraceContext } from './telemetry.ts'
