import { join } from 'node:path'
import { TASK_TABLES } from '@countersign/engine'
import { LEDGER_TABLES, makeSigner, openLedger, openTree, type Ledger, type Tree } from '#audit'
import { AUTH_TABLES, openRevocations, type Revocations } from '#auth'
import { keyFile, makeSeal, privateFolder, Secret, type Seal, type World } from '#base'
import type { Config } from '#config'
import { GATEWAY_TABLES } from '#gateway'
import { openBrakes, POLICY_TABLES, type Brakes } from '#policy'
import { REGISTRY_TABLES } from '#registry'
import { openStore, RECORD_TABLES, storeRecords, type Records, type Store } from '#store'
import type { Log } from '#telemetry'

/** What every other room stands on: the store, what is written into it, and the keys. */
export interface Foundation {
  readonly world: World
  readonly log: Log
  readonly store: Store
  readonly records: Records
  readonly tree: Tree
  readonly ledger: Ledger
  readonly revocations: Revocations
  readonly brakes: Brakes
  readonly seal: Seal
  /** What the admin API asks for. */
  readonly adminToken: Secret
  /** Calls that a crash left open and that were closed as unknown at this start. */
  readonly recovered: readonly string[]
}

const TABLES = [
  LEDGER_TABLES,
  REGISTRY_TABLES,
  GATEWAY_TABLES,
  AUTH_TABLES,
  RECORD_TABLES,
  POLICY_TABLES,
  { room: 'tasks', steps: TASK_TABLES },
]

export async function layFoundation(
  { data, ledger: { reads } }: Config,
  { world, log }: { readonly world: World; readonly log: Log },
): Promise<Foundation> {
  privateFolder(data)
  const store = openStore(join(data, 'countersign.db'), TABLES)
  const key = (name: string): Buffer => keyFile(world, join(data, 'keys', name))
  const tree = openTree({ world, log, store, signer: makeSigner(key('ledger.key')) })
  const ledger = openLedger(world, store, reads, tree.grew)
  const recovered = await ledger.recover()
  const records = storeRecords(world, store)
  // One process owns this store: nobody else changes anything in it.
  const shared = { world, log, records, isShared: false }
  return {
    world,
    log,
    store,
    records,
    tree,
    ledger,
    recovered,
    revocations: await openRevocations(shared),
    brakes: await openBrakes(shared),
    seal: makeSeal(world, [key('seal.key')]),
    adminToken: new Secret(key('admin.key').toString('base64url')),
  }
}
