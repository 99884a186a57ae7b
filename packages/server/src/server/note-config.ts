import { canonical, isObject, own, textAt } from '@countersign/contract'
import { digestOf } from '#base'
import type { Config } from '#config'
import type { Foundation } from './foundation.ts'

const KIND = 'Configuration'

/**
 * Writes down that the house is opened with another configuration than the last time (AU-002). What it
 * was opened with first is what the first change names as the one before.
 */
export async function noteConfig(
  { digests, path }: Config,
  { records, ledger }: Pick<Foundation, 'records' | 'ledger'>,
): Promise<void> {
  // Nodes that share a database each have a file of their own.
  const id = digestOf(path)
  const now = { digest: digestOf(canonical(digests)), sections: { ...digests } }
  const kept = await records.get(KIND, id)
  const before = kept?.value
  if (before && own(before, 'digest') === now.digest) return
  await records.put(KIND, id, now)
  if (!before) return
  const old = own(before, 'sections')
  const sections = changedBetween(isObject(old) ? old : {}, digests)
  await ledger.note('config.changed', {
    digest: now.digest,
    before: textAt(before, 'digest'),
    sections,
  })
}

function changedBetween(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names]
    .filter((name) => before[name] !== after[name])
    .toSorted((a, b) => (a < b ? -1 : 1))
}
