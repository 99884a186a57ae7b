import { z } from 'zod'
import { Secret } from '#base'
import type { MetricsSettings, OtlpSettings, TelemetrySettings } from '#telemetry'
import { expand, type Variable } from './expand.ts'
import { count } from './limits.ts'
import { isLoopback } from './listen.ts'
import type { Complain, Path } from './mistake.ts'

const URL_CHARS_MAX = 2_048
const TEXT_CHARS_MAX = 4_096
const HEADERS_MAX = 20
/** The port that Prometheus exporters of OpenTelemetry listen on. */
const PORT = 9_464

const otlpSchema = z
  .strictObject({
    endpoint: z
      .string()
      .min(1)
      .max(URL_CHARS_MAX)
      .describe(
        'Where the collector takes OTLP over HTTP, such as http://127.0.0.1:4318; /v1/traces and the others are added.',
      ),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().max(TEXT_CHARS_MAX))
      .refine((headers) => Object.keys(headers).length <= HEADERS_MAX)
      .prefault({})
      .describe('Sent along, such as the token that it asks for. Write secrets as `${NAME}`.'),
    traces: z.boolean().default(true).describe('Whether it is sent spans.'),
    metrics: z.boolean().default(true).describe('Whether it is sent figures, every 15 s.'),
    logs: z.boolean().default(true).describe('Whether it is sent what we log.'),
    sampling: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe(
        'The share of traces that begin with us and are recorded. Of those that begin with a client, the client decides.',
      ),
  })
  .describe('An OpenTelemetry collector. One that is slow or away costs no call anything.')

const metricsSchema = z
  .strictObject({
    listen: z
      .string()
      .max(256)
      .optional()
      .describe(
        `An address of its own on this machine for /metrics, such as 127.0.0.1:${String(PORT)}. Default: beside everything else, for whoever shows the token.`,
      ),
    token: z
      .string()
      .min(1)
      .max(TEXT_CHARS_MAX)
      .optional()
      .describe(
        'What a scraper shows (Authorization: Bearer), as `${NAME}`. Default: the admin token; at an address of its own, nothing.',
      ),
    toolsMax: count(
      { min: 0, max: 10_000, fallback: 200 },
      'Tools that have a label of their own; calls of all others are counted as `other`.',
    ),
  })
  .describe('Figures for Prometheus, at /metrics.')

export const telemetrySchema = z
  .strictObject({
    serviceName: z
      .string()
      .min(1)
      .max(100)
      .default('countersign')
      .describe('What we are called there.'),
    otlp: otlpSchema.optional(),
    metrics: metricsSchema.optional(),
  })
  .optional()
  .describe('Who is told what happens, as it happens. Without it nobody is.')

type Written = NonNullable<z.output<typeof telemetrySchema>>

interface Reading {
  readonly variable: Variable
  readonly complain: Complain
  readonly note: (text: string) => void
}

/** What the section means; complains about what cannot be meant. */
export function telemetryOf(
  { serviceName, otlp, metrics }: Written,
  logLevel: string,
  reading: Reading,
): TelemetrySettings {
  return {
    serviceName,
    otlp: otlp && otlpOf(otlp, reading),
    metrics: metrics && metricsOf(metrics, reading),
    logLevel,
  }
}

function otlpOf(
  { endpoint, headers, ...rest }: NonNullable<Written['otlp']>,
  reading: Reading,
): OtlpSettings {
  const at: Path = ['telemetry', 'otlp']
  const secrets = Object.entries(headers).map(([name, text]) => {
    const secret = secretOf(text, [...at, 'headers', name], reading)
    return [name, secret ?? new Secret('')] as const
  })
  return {
    ...rest,
    endpoint: endpointOf(endpoint, [...at, 'endpoint'], reading),
    headers: Object.fromEntries(secrets),
  }
}

function endpointOf(endpoint: string, at: Path, { complain, note }: Reading): string {
  const url = URL.parse(endpoint)
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    complain(at, 'not an http URL', 'for example http://127.0.0.1:4318')
    return endpoint
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    complain(at, 'more than an address and a path', 'put tokens into `headers`')
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    note(`telemetry.otlp.endpoint: what is sent to ${url.host} travels unencrypted.`)
  }
  return url.href.replace(/\/+$/, '')
}

function metricsOf(
  { listen, token, toolsMax }: NonNullable<Written['metrics']>,
  reading: Reading,
): MetricsSettings {
  const at: Path = ['telemetry', 'metrics']
  return {
    toolsMax,
    token: token === undefined ? undefined : secretOf(token, [...at, 'token'], reading),
    listen:
      listen === undefined
        ? undefined
        : addressOf(listen, [...at, 'listen'], token !== undefined, reading),
  }
}

/** Whoever can reach it can read it: without a token that is this machine alone. */
function addressOf(
  listen: string,
  at: Path,
  hasToken: boolean,
  { complain }: Reading,
): MetricsSettings['listen'] {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(listen) ?? []
  if (host === '' || Number(port) > 65_535) {
    complain(at, 'no address with a port', `for example 127.0.0.1:${String(PORT)}`)
    return undefined
  }
  if (!isLoopback(host) && !hasToken) {
    complain(at, 'open to the network', 'use 127.0.0.1, or ask for a `token`')
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}

function secretOf(text: string, at: Path, { variable, complain }: Reading): Secret | undefined {
  const read = expand(text, variable)
  if (read.ok) return new Secret(read.text)
  complain(at, read.problem, read.remedy)
  return undefined
}
