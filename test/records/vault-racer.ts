// One node of a house over a Postgres database: shows a credential many times at once, when told to.

import { text } from 'node:stream/consumers'
import { connectPostgres } from '@countersign/engine'
import { makeSeal, systemWorld } from '../../packages/server/src/base/index.ts'
import { postgresRecords } from '../../packages/server/src/store/index.ts'
import { silentLog } from '../../packages/server/src/telemetry/index.ts'
import { makeVault, ownClientAt } from '../../packages/server/src/vault/index.ts'

const { connectionString, schema, key, url, lateMs, racers } = JSON.parse(process.argv[2] ?? '{}')

const world = { ...systemWorld, now: () => Date.now() + lateMs }
const link = await connectPostgres({ connectionString, connections: 4 }, systemWorld)
const vault = makeVault(
  {
    world,
    log: silentLog,
    records: await postgresRecords(world, link, schema),
    ledger: { note: async () => undefined },
    master: makeSeal(world, [Buffer.from(key, 'base64url')]),
    own: () => ownClientAt('http://127.0.0.1:1'),
  },
  new Map([['behind', { url, auth: { per: 'principal', grant: 'authorization_code' } }]]),
)
process.stdout.write('ready\n')
// All start when their input ends.
await text(process.stdin)
const who = { id: 'local', proof: 'local' } as const
const shown = await Promise.all(
  Array.from({ length: racers }, () => vault.show('behind', who, { method: 'POST', url })),
)
process.stdout.write(`${JSON.stringify(shown.map(({ credential }) => credential))}\n`)
await vault.close()
await link.close()
