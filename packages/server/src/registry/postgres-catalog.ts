import type { PostgresPool } from '@countersign/engine'
import { bringUpToDate, type PostgresSchema } from '#store'
import { rowsOf, storedIn } from './catalog-rows.ts'
import type { Admitted, CatalogStore, Covered, News } from './catalog-store.ts'
import type { ToolRules } from './rules.ts'
import { ALL, FIRST, standingIn, standTools, type Standing } from './tool-epochs.ts'

const SCHEMA = 'countersign_registry'

const schemaOf = (s: string): PostgresSchema => ({
  name: s,
  steps: [
    `CREATE TABLE ${s}.servers (
       id text PRIMARY KEY,
       fingerprint text NOT NULL,
       introduction text,
       captured_at bigint
     );
     CREATE TABLE ${s}.definitions (
       server text NOT NULL,
       kind text NOT NULL,
       name text NOT NULL,
       position int NOT NULL,
       digest text NOT NULL,
       body text NOT NULL,
       PRIMARY KEY (server, kind, name)
     );
     CREATE TABLE ${s}.epochs (
       server text PRIMARY KEY,
       first bigint NOT NULL,
       is_listed int NOT NULL
     );
     CREATE TABLE ${s}.tool_epochs (
       server text NOT NULL,
       name text NOT NULL,
       digest text NOT NULL,
       effect text NOT NULL,
       since text NOT NULL,
       is_gone int NOT NULL,
       PRIMARY KEY (server, name)
     );`,
  ],
})

type Query = PostgresPool['query']
type Row = Readonly<Record<string, unknown>>

/** The catalogue in a Postgres database. Whoever changes it does so alone: epochs are counted. */
export async function postgresCatalog(
  pool: Pick<PostgresPool, 'query' | 'transact'>,
  rules: ToolRules,
  s: string = SCHEMA,
): Promise<CatalogStore> {
  await bringUpToDate(pool, schemaOf(s))
  const alone = <Value>(work: (query: Query) => Promise<Value>): Promise<Value> =>
    pool.transact(async (query) => {
      await query('SELECT pg_advisory_xact_lock(hashtext($1))', [`${s} changes`])
      return work(query)
    })
  const tables = new Tables(s, rules)
  return {
    admit: (server, fingerprint) => alone((query) => tables.admit(query, server, fingerprint)),
    read: (server, fingerprint) =>
      pool.transact(async (query) => {
        await query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
        return tables.read(query, server, fingerprint)
      }),
    write: (server, fingerprint, news) =>
      alone((query) => tables.write(query, { server, fingerprint, news })),
    introduce: async (server, introduction) => {
      const sql = `UPDATE ${s}.servers SET introduction = $2 WHERE id = $1`
      await pool.query(sql, [server, JSON.stringify(introduction)])
    },
  }
}

/** The statements, each within a transaction. */
class Tables {
  readonly #s: string
  readonly #rules: ToolRules

  constructor(schema: string, rules: ToolRules) {
    this.#s = schema
    this.#rules = rules
  }

  async admit(query: Query, server: string, fingerprint: string): Promise<Admitted> {
    const row = await this.#server(query, server)
    if (row?.['fingerprint'] !== fingerprint) {
      const isReplaced = row !== undefined
      await query(`DELETE FROM ${this.#s}.definitions WHERE server = $1`, [server])
      await query(
        `INSERT INTO ${this.#s}.servers (id, fingerprint) VALUES ($1, $2) ON CONFLICT (id)
         DO UPDATE SET fingerprint = excluded.fingerprint, introduction = NULL, captured_at = NULL`,
        [server, fingerprint],
      )
      if (isReplaced) await this.#replace(query, server)
      return { stored: undefined, isReplaced, since: new Map(), epoch: await this.#now(query) }
    }
    const stored = await this.#stored(query, row, server)
    const tools = stored.definitions?.tool ?? []
    // What the operator says of a tool may be another since the last start.
    const covered =
      stored.capturedAt === undefined
        ? { since: new Map(), epoch: await this.#now(query) }
        : await this.#stand(query, server, tools)
    return { stored, isReplaced: false, ...covered }
  }

  async read(query: Query, server: string, fingerprint: string): Promise<Admitted | undefined> {
    const row = await this.#server(query, server)
    if (row?.['fingerprint'] !== fingerprint) return undefined
    const stored = await this.#stored(query, row, server)
    const known = await this.#known(query, server)
    const since = new Map([...known].map(([name, standing]) => [name, standing.since]))
    return { stored, isReplaced: false, since, epoch: await this.#now(query) }
  }

  async write(
    query: Query,
    {
      server,
      fingerprint,
      news,
    }: { readonly server: string; readonly fingerprint: string; readonly news: News },
  ): Promise<Covered> {
    const row = await this.#server(query, server)
    if (row?.['fingerprint'] !== fingerprint) {
      return this.#aside(query, news)
    }
    await query(`DELETE FROM ${this.#s}.definitions WHERE server = $1`, [server])
    await query(
      `INSERT INTO ${this.#s}.definitions (server, kind, name, position, digest, body)
       SELECT $1, kind, name, position, digest, body FROM json_to_recordset($2)
         AS (kind text, name text, position int, digest text, body text)`,
      [server, JSON.stringify(rowsOf(news))],
    )
    await query(`UPDATE ${this.#s}.servers SET introduction = $2, captured_at = $3 WHERE id = $1`, [
      server,
      JSON.stringify(news.introduction),
      news.capturedAt ?? null,
    ])
    return this.#stand(query, server, news.definitions.tool)
  }

  /** Nothing that was given until now is about the tools of a server that is not in the store. */
  async #aside(query: Query, { definitions }: News): Promise<Covered> {
    const epoch = await this.#now(query)
    const nothing = { now: epoch, first: epoch, isListed: true, known: new Map() }
    const { since } = standTools(nothing, definitions.tool, this.#rules)
    return { since, epoch, isAside: true }
  }

  async #server(query: Query, server: string): Promise<Row | undefined> {
    return (await query(`SELECT * FROM ${this.#s}.servers WHERE id = $1`, [server])).rows[0]
  }

  async #stored(query: Query, row: Row, server: string): Promise<ReturnType<typeof storedIn>> {
    const sql = `SELECT * FROM ${this.#s}.definitions WHERE server = $1 ORDER BY kind, position`
    return storedIn(row, (await query(sql, [server])).rows)
  }

  async #known(query: Query, server: string): Promise<ReadonlyMap<string, Standing>> {
    const sql = `SELECT * FROM ${this.#s}.tool_epochs WHERE server = $1`
    return new Map((await query(sql, [server])).rows.map(standingIn))
  }

  async #epochOf(query: Query, server: string): Promise<Row | undefined> {
    return (await query(`SELECT * FROM ${this.#s}.epochs WHERE server = $1`, [server])).rows[0]
  }

  async #now(query: Query): Promise<number> {
    return Number((await this.#epochOf(query, ALL))?.['first'] ?? FIRST)
  }

  async #setEpoch(query: Query, server: string, first: number, isListed: number): Promise<void> {
    await query(
      `INSERT INTO ${this.#s}.epochs (server, first, is_listed) VALUES ($1, $2, $3)
       ON CONFLICT (server) DO UPDATE SET first = excluded.first, is_listed = excluded.is_listed`,
      [server, first, isListed],
    )
  }

  async #replace(query: Query, server: string): Promise<void> {
    await query(`DELETE FROM ${this.#s}.tool_epochs WHERE server = $1`, [server])
    const next = (await this.#now(query)) + 1
    await this.#setEpoch(query, ALL, next, 1)
    await this.#setEpoch(query, server, next, 0)
  }

  async #stand(query: Query, server: string, tools: News['definitions']['tool']): Promise<Covered> {
    const row = await this.#epochOf(query, server)
    const first = Number(row?.['first'] ?? FIRST)
    const isListed = Number(row?.['is_listed'] ?? 0) === 1
    const now = await this.#now(query)
    const known = await this.#known(query, server)
    const stood = standTools({ now, first, isListed, known }, tools, this.#rules)
    const saves = stood.saves.map(([name, { digest, effect, since, isGone }]) => ({
      name,
      digest,
      effect,
      since: JSON.stringify(since),
      is_gone: isGone ? 1 : 0,
    }))
    if (saves.length > 0) {
      await query(
        `INSERT INTO ${this.#s}.tool_epochs (server, name, digest, effect, since, is_gone)
         SELECT $1, name, digest, effect, since, is_gone FROM json_to_recordset($2)
           AS (name text, digest text, effect text, since text, is_gone int)
         ON CONFLICT (server, name) DO UPDATE SET digest = excluded.digest,
           effect = excluded.effect, since = excluded.since, is_gone = excluded.is_gone`,
        [server, JSON.stringify(saves)],
      )
    }
    if (stood.drops.length > 0) {
      const sql = `DELETE FROM ${this.#s}.tool_epochs WHERE server = $1 AND name = ANY($2)`
      await query(sql, [server, stood.drops])
    }
    if (!isListed) await this.#setEpoch(query, server, first, 1)
    if (stood.isNews) await this.#setEpoch(query, ALL, now + 1, 1)
    return { since: stood.since, epoch: stood.isNews ? now + 1 : now }
  }
}
