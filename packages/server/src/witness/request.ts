/** The words of C2SP tlog-witness: how a checkpoint is shown to a witness. */
import { fromBase64, toBase64, type Hash } from '@countersign/contract/ledger/index'

const HASH_BYTES = 32
/** No tree that a number can count has a longer proof. */
const PROOF_MAX = 63

export interface Submission {
  /** How many entries the witness has seen. */
  readonly old: number
  /** That the first `old` entries are still the same. */
  readonly proof: readonly Hash[]
  /** The checkpoint, as a signed note. */
  readonly note: string
}

export const submissionText = ({ old, proof, note }: Submission): string =>
  `old ${String(old)}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${note}`

/** Reads what `submissionText` wrote; undefined for anything else. */
export function parseSubmission(text: string): Submission | undefined {
  const end = text.indexOf('\n\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\n')
  const digits = /^old (0|[1-9]\d{0,15})$/.exec(first)?.[1]
  const proof = lines.flatMap((line) => {
    const hash = fromBase64(line)
    return hash?.length === HASH_BYTES ? [hash] : []
  })
  const old = Number(digits)
  if (digits === undefined || !Number.isSafeInteger(old)) return undefined
  if (proof.length !== lines.length || proof.length > PROOF_MAX) return undefined
  return { old, proof, note: text.slice(end + 2) }
}

/** The key of a ledger that is shown for the first time. Of our own: others know keys beforehand. */
export const KEY_HEADER = 'countersign-ledger-key'
export const SIZE_TYPE = 'text/x.tlog.size'
