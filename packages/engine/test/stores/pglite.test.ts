import { PGlite } from '@electric-sql/pglite'
import { after, before } from 'node:test'
import { postgresStore, type Store } from '../../src/index.ts'
import { storeSuite } from './suite.ts'

let db: PGlite
let schemas = 0

before(async () => {
  db = await PGlite.create()
})
after(() => db.close())

/** A schema of its own in the one database: starting another takes seconds. */
const open = (): Promise<Store> =>
  postgresStore(
    {
      query: async (sql, values) => await db.query(sql, values ? [...values] : []),
      listen: (channel, heard) => db.listen(channel, heard),
      close: () => Promise.resolve(),
    },
    `s${String(schemas++)}`,
  )

storeSuite('PGlite', open)
