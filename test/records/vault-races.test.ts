// OC5, OC17: a refresh token is shown once, by whichever process of the house needs it first.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connectPostgres, type PostgresLink } from '@countersign/engine'
import {
  findPostgres,
  startPostgres,
  type RunningPostgres,
} from '../../packages/engine/test/stores/start-postgres.ts'
import { makeSeal, systemWorld } from '../../packages/server/src/base/index.ts'
import { postgresRecords } from '../../packages/server/src/store/index.ts'
import { silentLog } from '../../packages/server/src/telemetry/index.ts'
import { makeVault, ownClientAt } from '../../packages/server/src/vault/index.ts'
import { startAuthority } from '../../packages/server/test/vault/fake-authority.ts'

const RACER = fileURLToPath(new URL('vault-racer.ts', import.meta.url))
const PROCESSES = 2
const RACERS = 16
const LOCAL = { id: 'local', proof: 'local' } as const
const PERSON = { principal: 'local', name: 'somebody', means: 'local', provedAt: 0 } as const

/** A process that waits to be told. */
async function startRacer(plan: object) {
  const child = spawn(process.execPath, [RACER, JSON.stringify(plan)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  assert.equal((await lines.next()).value, 'ready')
  return async (): Promise<readonly string[]> => {
    child.stdin.end()
    const { value } = await lines.next()
    await once(child, 'close')
    return JSON.parse(value ?? '[]')
  }
}

const found = findPostgres()

if ('why' in found) {
  test('Postgres: the vault was not raced', { skip: found.why }, () => undefined)
} else {
  let server: RunningPostgres
  let link: PostgresLink
  before(async () => {
    server = await startPostgres(found.bin)
    const { connectionString } = server
    link = await connectPostgres({ connectionString, connections: 4 }, systemWorld)
  })
  after(async () => {
    await link.close()
    await server.stop()
  })

  test('Postgres: 32 in two processes that need a token which is over cause one refresh.', async () => {
    await using authority = await startAuthority()
    const { url } = authority
    const key = randomBytes(32)
    const schema = 'vault_races'
    const auth = { per: 'principal', grant: 'authorization_code' } as const
    const vault = makeVault(
      {
        world: systemWorld,
        log: silentLog,
        records: await postgresRecords(systemWorld, link, schema),
        ledger: { note: async () => undefined },
        master: makeSeal(systemWorld, [key]),
        own: () => ownClientAt('http://127.0.0.1:1'),
      },
      new Map([['behind', { url, auth }]]),
    )
    const begun = await vault.connecting.begin('behind', LOCAL)
    const page = await vault.connecting.authorize(begun?.id ?? '', PERSON)
    await vault.connecting.finish(await authority.consent(page), PERSON)
    const { length } = authority.asked
    const plan = { connectionString: server.connectionString, schema, url, racers: RACERS }
    const keyed = { ...plan, key: key.toString('base64url'), lateMs: 290_000 }
    const racers = await Promise.all(Array.from({ length: PROCESSES }, () => startRacer(keyed)))
    const shown = (await Promise.all(racers.map((go) => go()))).flat()
    assert.equal(shown.length, PROCESSES * RACERS)
    assert.equal(new Set(shown).size, 1)
    assert.equal(authority.asked.length, length + 1)
    assert.equal(authority.reused, 0)
    await vault.close()
  })
}
