import type { Admin } from '@countersign/contract'
import { entryLeaf, formatKey, toBase64 } from '@countersign/contract/ledger/index'
import type { Entry, Ledger, LedgerKeys, Tree } from '#audit'
import { wholeCall } from './whole-id.ts'

interface LedgerRooms {
  readonly ledger: Ledger
  readonly tree: Tree
  readonly ledgerKeys: LedgerKeys
}

type Output<Operation extends keyof Admin> = Awaited<ReturnType<Admin[Operation]>>

export async function exportLedger(
  { tree }: LedgerRooms,
  { from = 0, limit = 500 }: { readonly from?: unknown; readonly limit?: unknown },
): Promise<Output<'exportLedger'>> {
  // Whoever begins wants what there is by now.
  if (from === 0) await tree.seal()
  const { lines, next } = await tree.page(Number(from), Number(limit))
  return { lines: [...lines], ...(next === undefined ? {} : { next }) }
}

export async function getLedgerKey({
  tree,
  ledgerKeys,
}: LedgerRooms): Promise<Output<'getLedgerKey'>> {
  const checkpoint = await tree.note()
  const { origin, key } = tree
  return {
    origin,
    key: formatKey(key),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(await handoversOf(ledgerKeys)),
  }
}

/** What leads whoever trusts an older key to the one of now; nothing while there was but one. */
async function handoversOf(keys: LedgerKeys): Promise<{ readonly handovers?: string[] }> {
  const handovers = [...(await keys.handovers())]
  return handovers.length > 0 ? { handovers } : {}
}

/** Whoever holds the token of the data folder. */
const OPERATOR = 'operator'

export async function rotateLedgerKey({
  ledgerKeys,
}: Pick<LedgerRooms, 'ledgerKeys'>): Promise<Output<'rotateLedgerKey'>> {
  const { origin, key, before } = await ledgerKeys.rotate(OPERATOR)
  return { origin, key, ...(before === undefined ? {} : { before }) }
}

/** The entries of a call, or of all rounds of it, with their proofs. */
export async function getReceipt(
  { ledger, tree, ledgerKeys }: LedgerRooms,
  { call: given }: { readonly call: string },
): Promise<Output<'getReceipt'>> {
  const call = await wholeCall(ledger, given)
  const entries = await ledger.of(call)
  await tree.seal()
  return {
    receipt: 'countersign-receipt/1',
    call,
    entries: await Promise.all(entries.map((entry) => provedBy(tree, entry))),
    ...(await handoversOf(ledgerKeys)),
  }
}

async function provedBy(tree: Tree, { seq, at, kind, call, body }: Entry) {
  const entry = { at, kind, ...(call === undefined ? {} : { call }), body }
  const proof = await tree.proof(seq)
  return {
    entry: { ...entry, body: JSON.parse(JSON.stringify(body)) },
    index: seq - 1,
    leaf: toBase64(entryLeaf(entry)),
    ...(proof
      ? { proof: { size: proof.size, path: proof.path.map(toBase64), checkpoint: proof.note } }
      : {}),
  }
}
