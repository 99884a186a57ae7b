import type { Client } from 'pg'
import type { World } from '../world.ts'
import type { PostgresLink } from './postgres-store.ts'

/** Where the database is, in the terms of libpq. */
export interface PostgresOptions {
  readonly connectionString: string
  /** Connections for statements; one more listens. Default 4. */
  readonly connections?: number
}

const CONNECTIONS = 4
const RECONNECT_MS = 1_000

/** Connects to a Postgres server: a pool for statements, and one connection that listens. */
export async function connectPostgres(
  options: PostgresOptions,
  world: World,
): Promise<PostgresLink> {
  // Loaded only where it is wanted: an embedded store starts faster without it.
  const { Pool } = await import('pg')
  const { connectionString, connections = CONNECTIONS } = options
  const pool = new Pool({ connectionString, max: connections })
  // A connection that breaks while nobody uses it is replaced by the pool; the next query tells.
  pool.on('error', () => undefined)
  return {
    parallel: connections,
    query: (sql, values) => pool.query(sql, values ? [...values] : undefined),
    listen: (channel, heard) => listen(connectionString, channel, heard, world),
    close: () => pool.end(),
  }
}

/** Listens, and connects again when the connection breaks: what was missed, a sweep will find. */
async function listen(
  connectionString: string,
  channel: string,
  heard: (payload: string) => void,
  world: World,
): Promise<() => Promise<void>> {
  const { Client: Listener } = await import('pg')
  let client: Client | undefined
  let isOver = false
  let off: (() => void) | undefined
  const retry = (): void => {
    if (!isOver) off = world.after(RECONNECT_MS, () => void connect().catch(retry))
  }
  const connect = async (): Promise<void> => {
    const next = new Listener({ connectionString })
    client = next
    next.on('notification', ({ payload }) => {
      if (payload !== undefined) heard(payload)
    })
    next.on('error', () => undefined)
    await next.connect()
    await next.query(`LISTEN ${channel}`)
    next.on('end', retry)
  }
  await connect()
  return async () => {
    isOver = true
    off?.()
    await client?.end()
  }
}
