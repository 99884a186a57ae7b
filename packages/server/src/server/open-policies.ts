import type { Config } from '#config'
import type { Gateway } from '#gateway'
import { openPolicy, type LivePolicy } from '#policy'
import type { Foundation } from './foundation.ts'

const EVERY_LIST = [{ kind: 'tool' }, { kind: 'prompt' }, { kind: 'resource' }] as const

/** The policies of the configuration; without any, undefined. */
export async function openPolicies(
  { policy, servers }: Config,
  { world, log, records, isShared, ledger }: Foundation,
  gateway: () => Gateway | undefined,
): Promise<LivePolicy | undefined> {
  if (!policy) return undefined
  // What a principal may use is what it is shown, so every list may have changed.
  const onChange = (): void => {
    for (const { id } of servers) gateway()?.onChange(id, EVERY_LIST)
  }
  return openPolicy({ world, log, records, isShared, ledger, onChange }, policy)
}
