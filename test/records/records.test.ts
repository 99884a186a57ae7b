import { after, before, test } from 'node:test'
import { connectPostgres, type PostgresLink } from '@countersign/engine'
import {
  findPostgres,
  startPostgres,
  type RunningPostgres,
} from '../../packages/engine/test/stores/start-postgres.ts'
import { systemWorld } from '../../packages/server/src/base/index.ts'
import {
  openStore,
  postgresRecords,
  RECORD_TABLES,
  storeRecords,
} from '../../packages/server/src/store/index.ts'
import { recordsSuite } from './records-suite.ts'

recordsSuite('SQLite', async (world) => storeRecords(world, openStore(':memory:', [RECORD_TABLES])))

const found = findPostgres()

if ('why' in found) {
  test('Postgres: the suite did not run', { skip: found.why }, () => undefined)
} else {
  let server: RunningPostgres
  let link: PostgresLink
  let schemas = 0
  before(async () => {
    server = await startPostgres(found.bin)
    const { connectionString } = server
    link = await connectPostgres({ connectionString, connections: 8 }, systemWorld)
  })
  after(async () => {
    await link.close()
    await server.stop()
  })
  recordsSuite('Postgres', (world) => postgresRecords(world, link, `r${String(schemas++)}`))

  test('Postgres: processes that open an empty database at once all find it ready', async () => {
    await Promise.all([1, 2, 3].map(() => postgresRecords(systemWorld, link, 'at_once')))
  })
}
