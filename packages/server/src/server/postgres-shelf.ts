import {
  bossDispatcher,
  connectPostgres,
  postgresStore,
  systemWorld,
  type Dispatcher,
  type PostgresLink,
  type PostgresPool,
} from '@countersign/engine'
import { Fault } from '@countersign/contract'
import { postgresLedger } from '#audit'
import type { World } from '#base'
import type { Config, StoreSettings } from '#config'
import { makeRules, postgresCatalog } from '#registry'
import { isOverburdened, isRolledBack, postgresRecords, sqlState } from '#store'
import type { Shelf, ShelfRooms } from './shelf.ts'

/** Of the connections for statements, those that pg-boss has. */
const BOSS_CONNECTIONS = 2
const CONNECT_MS = 5_000
/** Leases run out 11 s after they should have been renewed. */
const CLOCK_OFF_MS_MAX = 5_000
/** A database that hangs is one that does not answer. */
const ANSWER_MS = 15_000

/** A Postgres database that any number of nodes share; every node is like every other. */
export async function postgresShelf(
  { rules }: Config,
  settings: StoreSettings,
  rooms: ShelfRooms,
): Promise<Shelf> {
  const opened: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const one of opened.splice(0).toReversed()) await one().catch(() => undefined)
  }
  try {
    return { ...(await openParts(settings, makeRules(rules), rooms, opened)), close }
  } catch (thrown) {
    await close()
    const cause = thrown instanceof Fault && thrown.message === GONE ? thrown.cause : thrown
    throw cause instanceof Fault ? cause : unreachable(cause)
  }
}

async function openParts(
  settings: StoreSettings,
  rules: ReturnType<typeof makeRules>,
  { world, log, startsServers = true }: ShelfRooms,
  opened: (() => Promise<void>)[],
): Promise<Omit<Shelf, 'close'>> {
  const connectionString = settings.postgres.reveal()
  const forTasks = Math.floor((settings.connections - BOSS_CONNECTIONS) / 2)
  const forAll = settings.connections - BOSS_CONNECTIONS - forTasks
  const connect = async (connections: number): Promise<PostgresPool> => {
    const times = { connectTimeoutMs: CONNECT_MS, answerTimeoutMs: ANSWER_MS }
    const pool = await connectPostgres({ connectionString, connections, ...times }, systemWorld)
    opened.push(pool.close)
    return answering(pool)
  }
  const pool = await connect(forAll)
  await check(pool)
  await checkClock(pool, world)
  const records = await postgresRecords(world, pool)
  const lines = await postgresLedger({ world, link: pool })
  opened.push(lines.close)
  const definitions = await postgresCatalog(pool, rules)
  const tasks = await postgresStore(kept(await connect(forTasks)))
  const dispatcher = startsServers ? await dispatch(connectionString, log) : undefined
  if (dispatcher) opened.push(() => dispatcher.stop())
  return {
    isShared: true,
    records,
    lines,
    definitions,
    tasks: { store: tasks, dispatcher },
    scrub: undefined,
  }
}

/** Closed with the rest, not with the engine: a command that runs no tasks has none. */
const kept = (link: PostgresLink): PostgresLink => ({ ...link, close: async () => undefined })

const dispatch = (connectionString: string, log: ShelfRooms['log']): Promise<Dispatcher> =>
  bossDispatcher(
    {
      connectionString,
      connections: BOSS_CONNECTIONS,
      warn: (error) => {
        log.warn({ problem: error.message }, 'tasks are spread over the nodes with difficulty')
      },
    },
    systemWorld,
  )

const GONE = 'The database does not answer at the moment. Try again later; the operator sees why.'

/** Whoever asks is told that the database is gone, and not that something broke. */
const answering = (pool: PostgresPool): PostgresPool => ({
  ...pool,
  query: (sql, values) => pool.query(sql, values).catch(told),
  transact: (work) => pool.transact(work).catch(told),
})

/** What the database said of a statement stays as it is; what was said by nobody is of the way to it. */
function told(cause: unknown): never {
  const isOfTheWay =
    cause instanceof Error &&
    !(cause instanceof Fault) &&
    !isRolledBack(cause) &&
    ('code' in cause || /connection|timeout/i.test(cause.message))
  if (!isOfTheWay && !isOverburdened(cause)) throw cause
  throw new Fault('store/unavailable', GONE, { cause })
}

/** What the ledger relies on. */
async function check({ query }: PostgresPool): Promise<void> {
  const { rows } = await query(
    `SELECT current_setting('synchronous_commit') AS commits, current_setting('fsync') AS syncs,
       current_setting('server_encoding') AS encoding`,
  )
  const { commits, syncs, encoding } = rows[0] ?? {}
  if (commits === 'off' || syncs === 'off') {
    throw new Fault(
      'store/unavailable',
      'The database of `store.postgres` says that something is written when it is not on disk: switch fsync and synchronous_commit on.',
    )
  }
  if (encoding !== 'UTF8') {
    throw new Fault(
      'store/unavailable',
      `The database of \`store.postgres\` has the encoding ${String(encoding)}; make it with UTF8.`,
    )
  }
}

/** By whose own clock leases, counters and questions expire, for every node (ND-012). */
async function checkClock({ query }: PostgresPool, world: World): Promise<void> {
  const before = world.now()
  const { rows } = await query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now')
  const there = Number(rows[0]?.['now'])
  const offMs = Math.max(before - there, there - world.now())
  if (offMs <= CLOCK_OFF_MS_MAX) return
  throw new Fault(
    'store/unavailable',
    `The clock of this machine is ${String(Math.round(offMs / 1_000))} s off that of the database of \`store.postgres\`, and they may differ by ${String(CLOCK_OFF_MS_MAX / 1_000)} s. Set both by the same time server.`,
  )
}

/** What the server said of us; of the way to it only a code: other words may hold the address (ND-009). */
function unreachable(thrown: unknown): Fault {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'no answer'
  const said = thrown instanceof Error && sqlState(thrown) !== '' ? thrown.message : code
  return new Fault(
    'store/unavailable',
    `The database of \`store.postgres\` cannot be used: ${said.replace(/\.+$/, '')}.`,
  )
}
