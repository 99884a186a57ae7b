import { join } from 'node:path'
import { Fault } from '@countersign/contract'
import { hasSubjectKeys, openPayloads, type KeptPayloads, type LedgerStore } from '#audit'
import { hasKeyFile, makeSeal, type World } from '#base'
import type { Config } from '#config'
import type { Records } from '#store'
import type { Log } from '#telemetry'
import type { KeyCabinet } from './check-keys.ts'

export interface PayloadPlan {
  readonly world: World
  readonly log: Log
  readonly records: Records
  readonly store: LedgerStore
  readonly isShared: boolean
  readonly keys: KeyCabinet
}

/** What calls carry, and the keys of those whose calls they are. */
export async function openHousePayloads(
  { data, ledger }: Pick<Config, 'data' | 'ledger'>,
  plan: PayloadPlan,
): Promise<KeptPayloads> {
  const file = join(data, 'keys', 'subjects.key')
  // A key that is gone is not made anew: every digest and every payload would be lost to it.
  if (!hasKeyFile(file) && (await hasSubjectKeys(plan.records))) {
    throw new Fault(
      'store/unavailable',
      `${file} is not there, and the keys of subjects are wrapped with the key that was in it. Restore it.`,
    )
  }
  const master = makeSeal(plan.world, [await plan.keys.key('subjects.key')])
  return openPayloads({ ...plan, master }, ledger.payloads)
}
