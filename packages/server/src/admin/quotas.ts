import { Fault, type Admin } from '@countersign/contract'
import type { Ledger } from '#audit'
import type { OpenQuotas } from '#policy'

export interface QuotaRooms {
  readonly quotas: OpenQuotas
  readonly ledger: Pick<Ledger, 'note'>
}

/** Whoever holds the token of the data folder. */
const OPERATOR = 'operator'

export const listQuotas = async ({ quotas }: QuotaRooms): ReturnType<Admin['listQuotas']> => [
  ...(await quotas.list()),
]

/** More calls than the configuration allows are let through from now on: so it is written down first. */
export async function resetQuota(
  { quotas, ledger }: QuotaRooms,
  { quota, key, reason }: Parameters<Admin['resetQuota']>[0],
): ReturnType<Admin['resetQuota']> {
  if (!quotas.has(quota)) throw new Fault('rpc/bad-params', `There is no limit "${quota}".`)
  const given = key === undefined ? undefined : Object.fromEntries(textsIn(key))
  const of = given === undefined ? {} : { key: given }
  const counters = (await quotas.list()).filter((line) => line.quota === quota).length
  await ledger.note('quota.reset', { quota, ...of, counters, reason, by: OPERATOR })
  return [...(await quotas.reset({ quota, ...of }))]
}

const textsIn = (key: object): readonly (readonly [string, string])[] =>
  Object.entries(key).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  )
