import type { World } from '#base'
import type { Log } from '#telemetry'
import type { Upstream, UpstreamEvent } from '#upstream'
import type { Catalog } from './catalog.ts'

/** A listing older than this is renewed when its server connects. */
const FRESH_MS = 5_000

interface Rooms {
  readonly world: World
  readonly log: Log
  readonly catalog: Catalog
  readonly face: (server: string) => Upstream | undefined
}

/**
 * Reads a server's definitions when it has connected. One that each principal reaches alone is read
 * when it never was: what it offers is listed once for all, not once for each.
 */
export const captureReady =
  ({ world, log, catalog, face }: Rooms) =>
  (server: string, event: UpstreamEvent, isPersonal: boolean): void => {
    const upstream = face(server)
    const { capturedAt } = catalog.listed(server)
    const isReady = event.kind === 'state' && event.status.state === 'ready'
    const isFresh = isPersonal
      ? capturedAt !== undefined
      : world.now() - (capturedAt ?? 0) < FRESH_MS
    if (!upstream || !isReady || isFresh) return
    catalog.capture(upstream).catch((cause: unknown) => {
      log.warn({ server, cause: String(cause) }, 'could not be listed')
    })
  }
