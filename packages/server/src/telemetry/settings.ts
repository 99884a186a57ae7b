import type { Secret } from '#base'

/** Where what is told goes. Nothing is told to anybody where this is not configured. */
export interface TelemetrySettings {
  readonly serviceName: string
  readonly otlp: OtlpSettings | undefined
  readonly metrics: MetricsSettings | undefined
  /** The least severity of log lines that are sent on. */
  readonly logLevel: string
}

export interface OtlpSettings {
  /** Without the path of a signal. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, Secret>>
  readonly traces: boolean
  readonly metrics: boolean
  readonly logs: boolean
  /** The share of traces that begin with us and are recorded, from 0 to 1. */
  readonly sampling: number
}

export interface MetricsSettings {
  /** A listener of their own; undefined: beside everything else. */
  readonly listen: { readonly host: string; readonly port: number } | undefined
  /** What a scraper shows; undefined: nothing at the listener of their own, else the admin token. */
  readonly token: Secret | undefined
  /** Tools that have a label of their own; those beyond share one. */
  readonly toolsMax: number
}
