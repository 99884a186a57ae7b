// One behaviour of the ledger on both stores; and what is only true of many nodes on one database.

import { test } from 'node:test'
import { LEDGER_TABLES, PAYLOAD_TABLES, postgresLedger, sqliteLedger } from '#audit'
import { systemWorld } from '#base'
import { openStore } from '#store'
import { found, testServer } from './database.ts'
import { ledgerSuite } from './ledger-suite.ts'

ledgerSuite('SQLite', async () =>
  sqliteLedger(openStore(':memory:', [LEDGER_TABLES, PAYLOAD_TABLES])),
)

if ('why' in found) {
  test('Postgres: the ledger suite did not run', { skip: found.why }, () => undefined)
} else {
  const { database, connect } = testServer(found.bin)
  ledgerSuite('Postgres', async () =>
    postgresLedger({ world: systemWorld, link: await connect(await database()) }),
  )
}
