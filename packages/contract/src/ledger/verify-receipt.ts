/** Whether a receipt proves what it says: the entries of one call, each under a signed checkpoint. */
import { isObject, own, textAt, type Json } from '../json.ts'
import { fromBase64 } from './base64.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { entryLeaf, isEntry } from './entry.ts'
import { followKeys } from './handover.ts'
import { isIncluded, type Hash } from './merkle.ts'
import { parseNote, signersOf, type NoteKey } from './note.ts'

export const RECEIPT_FORMAT = 'countersign-receipt/1'
const HASH_BYTES = 32

export interface ReceiptReport {
  readonly isProved: boolean
  /** One sentence for each thing that is not as it must be. */
  readonly problems: readonly string[]
  readonly entries: number
}

/** Never throws, whatever it is given. */
export async function verifyReceipt(
  receipt: unknown,
  keys: readonly NoteKey[],
): Promise<ReceiptReport> {
  if (!isObject(receipt) || textAt(receipt, 'receipt') !== RECEIPT_FORMAT) {
    return { isProved: false, problems: [`It is no receipt (${RECEIPT_FORMAT}).`], entries: 0 }
  }
  const given = own(receipt, 'entries')
  const entries: readonly (Json | undefined)[] = Array.isArray(given) ? given : []
  const call = textAt(receipt, 'call')
  const handovers = own(receipt, 'handovers')
  const told = (Array.isArray(handovers) ? handovers : []).filter((one) => typeof one === 'string')
  const believed = await followKeys(keys, told)
  const said = await Promise.all(entries.map((one) => problemOf(one, call, believed)))
  const problems = said.flatMap((what, at) =>
    what === undefined ? [] : [`Entry ${String(at + 1)}: ${what}`],
  )
  if (entries.length === 0) problems.push('It has no entries.')
  return { isProved: problems.length === 0, problems, entries: entries.length }
}

async function problemOf(
  one: Json | undefined,
  call: string,
  keys: readonly NoteKey[],
): Promise<string | undefined> {
  const entry = isObject(one) ? own(one, 'entry') : undefined
  if (!isObject(one) || !isEntry(entry)) return 'it is no entry.'
  if (entry.call !== call && entry.call?.startsWith(`${call}.`) !== true) {
    return 'it is of another call.'
  }
  const proof = own(one, 'proof')
  if (!isObject(proof)) return 'no checkpoint covers it yet; fetch the receipt again.'
  const signed = await signedIn(textAt(proof, 'checkpoint'), keys)
  if (typeof signed === 'string') return signed
  const path = pathOf(own(proof, 'path'))
  return isIncluded(leafOf(entry), Number(own(one, 'index')), signed, path)
    ? undefined
    : 'it is not what was signed.'
}

/** The checkpoint of a note, or why it is not to be believed. */
async function signedIn(text: string, keys: readonly NoteKey[]): Promise<Checkpoint | string> {
  const note = parseNote(text)
  const checkpoint = note && parseCheckpoint(note.text)
  if (!note || !checkpoint) return 'its checkpoint cannot be read.'
  const signers = await signersOf(note, keys)
  return signers.length > 0 ? checkpoint : 'no trusted key has signed its checkpoint.'
}

function leafOf(entry: Parameters<typeof entryLeaf>[0]): Hash {
  try {
    return entryLeaf(entry)
  } catch {
    return new Uint8Array() // What has no canonical form was never hashed.
  }
}

const pathOf = (path: Json | undefined): readonly Hash[] =>
  (Array.isArray(path) ? path : []).map((one) => {
    const hash = typeof one === 'string' ? fromBase64(one) : undefined
    return hash?.length === HASH_BYTES ? hash : new Uint8Array()
  })
