import type { Client, Pool } from 'pg'
import type { World } from '../world.ts'
import type { PostgresLink } from './postgres-store.ts'

/** Where the database is, in the terms of libpq. */
export interface PostgresOptions {
  readonly connectionString: string
  /** Connections for statements; one more listens. Default 4. */
  readonly connections?: number
  /** How long a connection may take to come about. Default: as long as the system lets it. */
  readonly connectTimeoutMs?: number
  /** How long a statement may take; its connection is given up then. Default: for ever. */
  readonly answerTimeoutMs?: number
}

const CONNECTIONS = 4
const RECONNECT_MS = 1_000

/** A pool of connections to a Postgres server. */
export interface PostgresPool extends PostgresLink {
  /** Runs statements on one connection, all of them or none. */
  readonly transact: <Value>(
    work: (query: PostgresLink['query']) => Promise<Value>,
  ) => Promise<Value>
}

/** Connects to a Postgres server: a pool for statements, and one connection that listens. */
export async function connectPostgres(
  options: PostgresOptions,
  world: World,
): Promise<PostgresPool> {
  // Loaded only where it is wanted: an embedded store starts faster without it.
  const { Pool: Connections } = await import('pg')
  const { connectionString, connections = CONNECTIONS } = options
  const { connectTimeoutMs = 0, answerTimeoutMs = 0 } = options
  const pool = new Connections({
    connectionString,
    max: connections,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    application_name: 'countersign',
  })
  // A connection that breaks while nobody uses it is replaced by the pool; the next query tells.
  pool.on('error', () => undefined)
  return {
    parallel: connections,
    query: (sql, values) => pool.query(sql, values ? [...values] : undefined),
    transact: (work) => transact(pool, work),
    listen: (channel, heard) => listen(connectionString, channel, heard, world),
    close: once(() => pool.end()),
  }
}

function once(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => (closing ??= close())
}

async function transact<Value>(
  pool: Pool,
  work: (query: PostgresLink['query']) => Promise<Value>,
): Promise<Value> {
  const client = await pool.connect()
  let broken: Error | undefined
  // While it is lent the pool does not listen, and what nobody listens to ends the process.
  const onError = (error: Error): void => {
    broken = error
  }
  client.on('error', onError)
  try {
    await client.query('BEGIN')
    const value = await work((sql, values) => client.query(sql, values ? [...values] : undefined))
    await client.query('COMMIT')
    return value
  } catch (cause) {
    // A connection that cannot even roll back is not given to anybody else.
    await client.query('ROLLBACK').catch((thrown: unknown) => {
      broken = thrown instanceof Error ? thrown : new Error(String(thrown))
    })
    throw cause
  } finally {
    client.release(broken)
    client.off('error', onError)
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
