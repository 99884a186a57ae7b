import { join } from 'node:path'
import {
  openLedger,
  openLedgerKeys,
  openSigner,
  openTree,
  type KeptPayloads,
  type Ledger,
  type LedgerKeys,
  type Tree,
} from '#audit'
import { openRevocations, type Revocations } from '#auth'
import { makeSeal, privateFolder, Secret, type Seal, type World } from '#base'
import type { Config } from '#config'
import { openBrakes, type Brakes } from '#policy'
import type { Records } from '#store'
import type { Log, Telemetry } from '#telemetry'
import { keyCabinet, type KeyCabinet } from './check-keys.ts'
import { openShelf, type Shelf, type ShelfRooms } from './shelf.ts'
import { counted, type Telling } from './open-telemetry.ts'
import { openHousePayloads } from './open-payloads.ts'

/** What every other room stands on: the store, what is written into it, and the keys. */
export interface Foundation {
  readonly world: World
  readonly log: Log
  readonly telling: Telling
  readonly telemetry: Telemetry
  /** Where everything that lasts is kept. */
  readonly shelf: Shelf
  readonly records: Records
  /** Whether other processes use these records too. */
  readonly isShared: boolean
  readonly tree: Tree
  readonly ledger: Ledger
  /** The keys that it was signed with. */
  readonly ledgerKeys: LedgerKeys
  /** Keys that every node of this house shares. */
  readonly keys: KeyCabinet
  /** What calls carried, and the keys of those whose calls they were. */
  readonly kept: KeptPayloads
  /** Who else hears that something is about to be in the ledger. */
  readonly grown: { tell?: () => void }
  readonly revocations: Revocations
  readonly brakes: Brakes
  /** Ends to look for what other nodes left. */
  readonly stopMinding: () => void
  readonly seal: Seal
  /** What the admin API asks for. */
  readonly adminToken: Secret
  /** Calls that a crash left open and that were closed as unknown at this start. */
  readonly recovered: readonly string[]
}

const tell = (tree: Tree, grown: Foundation['grown']) => (): void => {
  tree.grew()
  grown.tell?.()
}

type FoundationRooms = Pick<Foundation, 'world' | 'log' | 'telling'> & ShelfRooms

export async function layFoundation(config: Config, rooms: FoundationRooms): Promise<Foundation> {
  privateFolder(config.data)
  const shelf = await openShelf(config, rooms)
  try {
    return await layOn(shelf, config, rooms)
  } catch (thrown) {
    // What cannot be opened, for want of a key, leaves nothing locked.
    await shelf.close()
    throw thrown
  }
}

async function layOn(
  shelf: Shelf,
  config: Config,
  { world, log, telling }: FoundationRooms,
): Promise<Foundation> {
  const {
    data,
    ledger: { reads },
  } = config
  const { records, lines, isShared } = shelf
  const folder = join(data, 'keys')
  const keys = keyCabinet({ world, folder, records, isShared })
  const signing = { world, folder, store: lines, records }
  const signer = await openSigner(signing)
  // It keeps the name of its first key for good.
  await keys.same('ledger.key', signer.origin)
  const grown: Foundation['grown'] = {}
  const tree = openTree({ world, log, store: lines, signer })
  const ledger = counted(openLedger(world, lines, reads, tell(tree, grown)), telling.telemetry)
  const ledgerKeys = await openLedgerKeys({ ...signing, signer, ledger, tree })
  const recovered = await ledger.recover()
  const shared = { world, log, records, isShared }
  // Before anything looks at the database again and again: a key that is not there ends it here.
  const seal = makeSeal(world, [await keys.key('seal.key')])
  if (isShared && hasDefaultVault(config)) await keys.key('vault.key')
  const adminToken = new Secret((await keys.key('admin.key')).toString('base64url'))
  const kept = await openHousePayloads(config, { ...shared, store: lines, keys })
  return {
    world,
    log,
    telling,
    telemetry: telling.telemetry,
    shelf,
    records,
    isShared,
    tree,
    ledger,
    ledgerKeys,
    grown,
    keys,
    kept,
    recovered,
    stopMinding: isShared ? mind(world, log, { ledger, tree }) : () => undefined,
    revocations: await openRevocations(shared),
    brakes: await openBrakes(shared),
    seal,
    adminToken,
  }
}

/** Credentials for servers, sealed by the key in the data folder, which is the first one there. */
const hasDefaultVault = ({ servers, vault }: Config): boolean =>
  servers.some(({ auth }) => auth !== undefined) &&
  vault?.key === undefined &&
  (vault?.previous ?? []).length === 0

/** What could not be opened on top of it leaves nothing that runs, and nothing locked. */
export async function leave(foundation: Foundation): Promise<void> {
  foundation.revocations.close()
  foundation.brakes.close()
  foundation.stopMinding()
  foundation.kept.close()
  await foundation.shelf.close()
}

/** How often a node looks for what another one left: open calls, and entries that nobody signed. */
const MIND_MS = 3_000

function mind(
  world: World,
  log: Log,
  { ledger, tree }: Pick<Foundation, 'ledger' | 'tree'>,
): () => void {
  let isOver = false
  const look = async (): Promise<void> => {
    try {
      const calls = await ledger.recover()
      if (calls.length > 0) log.warn({ calls: calls.length }, 'closed what another node left open')
      await tree.seal()
    } catch (cause) {
      log.warn({ cause: String(cause) }, 'could not look for what other nodes left')
    }
    if (!isOver) stop = world.after(MIND_MS, () => void look())
  }
  let stop = world.after(MIND_MS, () => void look())
  return () => {
    isOver = true
    stop()
  }
}
