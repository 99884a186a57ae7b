import type { Ledger } from '#audit'
import type { Secret, World } from '#base'
import type { Config } from '#config'
import { metricsRoute, openMetrics, type Route } from '#http'
import { noTelemetry, type Log, type Telemetry } from '#telemetry'
import type { Teller } from '#telemetry/otel'
import { vitalsOf, type Vitals } from './vitals.ts'

/** Who is told what happens: nobody, unless that is configured. */
export interface Telling {
  readonly telemetry: Telemetry
  /** What is logged, also for whoever collects it. */
  readonly log: Log
  /** Where figures are read beside everything else. */
  readonly routes: (adminToken: Secret) => readonly Route[]
  /** Figures of the whole house from now on, and a listener for them where one is configured. */
  readonly listen: (house: Vitals) => Promise<void>
  /** The port of that listener. */
  readonly port: () => number | undefined
  readonly close: () => Promise<void>
}

interface TellingRooms {
  readonly world: World
  readonly log: Log
  readonly startsServers?: boolean
}

/** What comes with it, and nothing else is loaded for: half of those who run us need none of it. */
export async function openTelling(
  { telemetry: settings }: Config,
  { world, log, startsServers = true }: TellingRooms,
): Promise<Telling> {
  // A command that only looks something up has nothing to tell.
  if ((!settings?.otlp && !settings?.metrics) || !startsServers) return silent(log)
  const { openTeller } = await import('#telemetry/otel')
  const teller = openTeller({ world, log }, settings)
  const { metrics } = settings
  let isWatching = false
  let own: Awaited<ReturnType<typeof openMetrics>> | undefined
  return {
    telemetry: teller.telemetry,
    log: teller.log,
    routes: (adminToken) => {
      const { exposition } = teller
      if (!exposition || metrics?.listen) return []
      return [metricsRoute({ exposition, token: metrics?.token ?? adminToken })]
    },
    listen: async (house) => {
      if (isWatching) return
      isWatching = true
      teller.watch(vitalsOf(house))
      own = await listenApart(teller, metrics)
    },
    port: () => own?.port,
    close: async () => {
      await own?.close()
      await teller.close()
    },
  }
}

const silent = (log: Log): Telling => ({
  telemetry: noTelemetry,
  log,
  routes: () => [],
  listen: async () => undefined,
  port: () => undefined,
  close: async () => undefined,
})

async function listenApart(
  { exposition }: Teller,
  metrics: NonNullable<Config['telemetry']>['metrics'],
): Promise<Awaited<ReturnType<typeof openMetrics>> | undefined> {
  if (!exposition || !metrics?.listen) return undefined
  return openMetrics({ exposition, token: metrics.token }, metrics.listen)
}

/** The same ledger, of whose entries those outside calls are counted by their kind. */
export function counted(ledger: Ledger, { isOn, noted }: Telemetry): Ledger {
  if (!isOn) return ledger
  return {
    ...ledger,
    note: (kind, body) => {
      noted(kind)
      return ledger.note(kind, body)
    },
  }
}
