import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPostgres, startPostgres } from '../../packages/engine/test/stores/start-postgres.ts'
import { message, startModule, type Running } from '../processes.ts'
import { installPeers } from './install.ts'
import { findRestate, startRestate } from './restate-server.ts'
import type { EngineId } from './subject.ts'
import type { Place } from './work.ts'

export const ENGINE_TITLES: Readonly<Record<EngineId, string>> = {
  sqlite: 'Countersign, embedded',
  postgres: 'Countersign, Postgres and pg-boss',
  dbos: 'DBOS 5.3.0',
  restate: 'Restate 1.7.12',
}
export const PEERS: readonly EngineId[] = ['dbos', 'restate']

/** An engine that was started, in a process of its own. */
export interface Entrant {
  readonly id: EngineId
  readonly title: string
  readonly running: Running
}

/** Everybody who could be started, and why the others could not. */
export interface Lineup {
  readonly entrants: readonly Entrant[]
  readonly absent: readonly Absent[]
  readonly stop: () => Promise<void>
}

export interface Absent {
  readonly title: string
  readonly why: string
}

const SUBJECT = fileURLToPath(new URL('subject.ts', import.meta.url))

/** Starts one engine; `execArgv` is for a profiler. */
export async function startEntrant(
  id: EngineId,
  place: Place,
  execArgv: readonly string[] = [],
): Promise<Entrant> {
  mkdirSync(place.folder, { recursive: true })
  const running = startModule(SUBJECT, [id, JSON.stringify(place)], execArgv)
  await message(running)
  return { id, title: ENGINE_TITLES[id], running }
}

/** Starts ours and, unless `isAlone`, those of others with the servers that they need. */
export async function startLineup(folder: string, isAlone: boolean): Promise<Lineup> {
  const stops: (() => Promise<void>)[] = []
  const entrants: Entrant[] = []
  const absent: Absent[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(entrants.map(({ running }) => running.stop()))
    for (const one of stops) await one()
  }
  const enter = async (id: EngineId, more: Partial<Place>): Promise<void> => {
    entrants.push(await startEntrant(id, { folder: join(folder, id), ...more }))
  }
  const leaveOut = (ids: readonly EngineId[], why: string): void => {
    absent.push(...ids.map((id) => ({ title: ENGINE_TITLES[id], why })))
  }
  try {
    await enter('sqlite', {})
    if (isAlone) leaveOut(['postgres', ...PEERS], 'it was asked for ours alone')
    else await startOthers({ folder, stops, enter, leaveOut })
    return { entrants, absent, stop }
  } catch (cause) {
    await stop()
    throw cause
  }
}

interface Entering {
  readonly folder: string
  readonly stops: (() => Promise<void>)[]
  readonly enter: (id: EngineId, more: Partial<Place>) => Promise<void>
  readonly leaveOut: (ids: readonly EngineId[], why: string) => void
}

async function startOthers({ folder, stops, enter, leaveOut }: Entering): Promise<void> {
  /** What is not ours may not start here, and is left out then. */
  const trying = async (id: EngineId, start: () => Promise<void>): Promise<void> => {
    try {
      await start()
    } catch (cause) {
      leaveOut([id], `it did not start (${cause instanceof Error ? cause.message : String(cause)})`)
    }
  }
  const installed = await installPeers()
  const peers = 'folder' in installed ? installed.folder : undefined
  const missing = 'why' in installed ? installed.why : ''
  const postgres = await openPostgres(stops)
  if ('why' in postgres) leaveOut(['postgres', 'dbos'], postgres.why)
  else {
    await enter('postgres', postgres)
    if (peers === undefined) leaveOut(['dbos'], missing)
    else await trying('dbos', () => enter('dbos', { ...postgres, peers }))
  }
  const restate = peers === undefined ? undefined : findRestate(peers)
  if (peers === undefined) leaveOut(['restate'], missing)
  else if (restate === undefined)
    leaveOut(['restate'], 'there is no program of it for this machine')
  else {
    await trying('restate', async () => {
      const server = await startRestate(restate, join(folder, 'restate-server'))
      stops.push(() => server.running.stop())
      await enter('restate', { restate: { ingress: server.ingress, admin: server.admin }, peers })
    })
  }
}

async function openPostgres(
  stops: (() => Promise<void>)[],
): Promise<{ readonly postgres: string } | { readonly why: string }> {
  const found = findPostgres()
  if ('why' in found) return found
  const server = await startPostgres(found.bin)
  // Also when the bench is interrupted: stopping begins with a signal that is sent at once.
  const atExit = (): void => void server.stop()
  process.once('exit', atExit)
  stops.push(async () => {
    process.off('exit', atExit)
    await server.stop()
  })
  return { postgres: server.connectionString }
}
