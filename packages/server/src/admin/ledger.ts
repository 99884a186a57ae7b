import type { Admin } from '@countersign/contract'
import { Fault } from '@countersign/contract'
import { entryLeaf, formatKey, toBase64 } from '@countersign/contract/ledger/index'
import type { Entry, Ledger, Tree } from '#audit'

interface LedgerRooms {
  readonly ledger: Ledger
  readonly tree: Tree
}

type Output<Operation extends keyof Admin> = Awaited<ReturnType<Admin[Operation]>>

export async function exportLedger(
  { tree }: LedgerRooms,
  { from = 0, limit = 500 }: { readonly from?: unknown; readonly limit?: unknown },
): Promise<Output<'exportLedger'>> {
  // Whoever begins wants what there is by now.
  if (from === 0) await tree.seal()
  const { lines, next } = tree.page(Number(from), Number(limit))
  return { lines: [...lines], ...(next === undefined ? {} : { next }) }
}

export async function getLedgerKey({ tree }: LedgerRooms): Promise<Output<'getLedgerKey'>> {
  const checkpoint = tree.note()
  const { origin, key } = tree
  return { origin, key: formatKey(key), ...(checkpoint === undefined ? {} : { checkpoint }) }
}

/** The entries of a call, or of all rounds of it, with their proofs. */
export async function getReceipt(
  { ledger, tree }: LedgerRooms,
  { call }: { readonly call: string },
): Promise<Output<'getReceipt'>> {
  const entries = ledger.of(call)
  if (entries.length === 0) throw new Fault('rpc/bad-params', `The ledger has no call "${call}".`)
  await tree.seal()
  return {
    receipt: 'countersign-receipt/1',
    call,
    entries: entries.map((entry) => provedBy(tree, entry)),
  }
}

function provedBy(tree: Tree, { seq, at, kind, call, body }: Entry) {
  const entry = { at, kind, ...(call === undefined ? {} : { call }), body }
  const proof = tree.proof(seq)
  return {
    entry: { ...entry, body: JSON.parse(JSON.stringify(body)) },
    index: seq - 1,
    leaf: toBase64(entryLeaf(entry)),
    ...(proof
      ? { proof: { size: proof.size, path: proof.path.map(toBase64), checkpoint: proof.note } }
      : {}),
  }
}
