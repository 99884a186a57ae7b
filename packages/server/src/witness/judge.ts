import {
  cosignatureBytes,
  cosignedText,
  cosignerId,
  fromBase64,
  isConsistent,
  isEqual,
  parseCheckpoint,
  parseNote,
  signersOf,
  toBase64,
  type Checkpoint,
  type CosignerKey,
  type NoteKey,
} from '@countersign/contract/ledger/index'
import type { KeyPair } from '#audit'
import { SIZE_TYPE, type Submission } from './request.ts'

/** What a witness says over HTTP. */
export interface Answer {
  readonly status: number
  readonly text: string
  readonly type?: string
}

/** What was seen of a ledger last, and the keys that may sign for it. */
export interface SeenLedger {
  readonly keys: readonly NoteKey[]
  readonly size: number
  /** In base64; empty before the first checkpoint. */
  readonly root: string
}

export type Verdict =
  | { readonly is: 'next'; readonly checkpoint: Checkpoint }
  | { readonly is: 'refused'; readonly answer: Answer; readonly forged?: Forged }

/** A ledger that shows what it cannot have been. */
interface Forged {
  readonly origin: string
  readonly seen: number
  readonly shown: number
  readonly why: string
}

export const refuse = (status: number, text: string): { is: 'refused'; answer: Answer } => ({
  is: 'refused',
  answer: { status, text: `${text}\n` },
})

/** AU-032, AU-033: whether this continues what was seen (C2SP tlog-witness, add-checkpoint). */
export async function judge(
  { old, proof, note: text }: Submission,
  seen: SeenLedger,
): Promise<Verdict> {
  const note = parseNote(text)
  const checkpoint = note && parseCheckpoint(note.text)
  if (!note || !checkpoint) return refuse(400, 'It is no checkpoint.')
  if ((await signersOf(note, seen.keys)).length === 0) {
    return refuse(403, 'It is signed by no key that is known here.')
  }
  const { origin, size } = checkpoint
  if (old > size) return refuse(400, 'It is older than what it says was seen.')
  if (old !== seen.size) {
    const answer = { status: 409, text: `${String(seen.size)}\n`, type: SIZE_TYPE }
    return { is: 'refused', answer }
  }
  const why = brokenBy(checkpoint, seen, proof)
  if (why === undefined) return { is: 'next', checkpoint }
  const forged = { origin, seen: seen.size, shown: size, why }
  return { ...refuse(old === size ? 409 : 422, why), forged }
}

function brokenBy(
  checkpoint: Checkpoint,
  { size, root }: SeenLedger,
  proof: Submission['proof'],
): string | undefined {
  const before = fromBase64(root)
  if (size === 0 || !before) return proof.length === 0 ? undefined : 'There is nothing to prove.'
  if (checkpoint.size === size) {
    return isEqual(before, checkpoint.root) ? undefined : 'It is not what was seen here.'
  }
  return isConsistent({ size, root: before }, checkpoint, proof)
    ? undefined
    : 'It does not continue what was seen here.'
}

/** The line by which a witness signs for a checkpoint (C2SP tlog-cosignature). */
export function cosign(by: CosignerKey, pair: KeyPair, text: string, seenAt: number): string {
  const signature = pair.sign(Buffer.from(cosignedText(text, seenAt)))
  const bytes = Uint8Array.of(...cosignerId(by), ...cosignatureBytes(seenAt, signature))
  return `— ${by.name} ${toBase64(bytes)}\n`
}
