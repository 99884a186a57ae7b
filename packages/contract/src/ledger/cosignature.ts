/**
 * What a witness signs: that it has seen a checkpoint, when, and that it continues what it saw before
 * (C2SP tlog-cosignature, `cosignature/v1`).
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { fromBase64, toBase64 } from './base64.ts'
import { isEqual } from './merkle.ts'
import { isKeyName, isSignedBy, KEY_BYTES, type Note, type NoteKey } from './note.ts'

/** The kind of its keys, beside the 1 of keys that sign a text itself. */
const COSIGNATURE = 4
const KEY_ID_BYTES = 4
const TIME_BYTES = 8
const SIGNATURE_BYTES = 64

const utf8 = new TextEncoder()

/** A witness: its name and public key. Never one that signs a ledger. */
export interface CosignerKey extends NoteKey {
  readonly isCosigner: true
}

export interface Cosigned {
  readonly by: CosignerKey
  /** Seconds since the epoch: when the witness saw it, by its own clock. */
  readonly seenAt: number
}

export function cosignerId({ name, key }: NoteKey): Uint8Array {
  const head = utf8.encode(`${name}\n`)
  return sha256(Uint8Array.of(...head, COSIGNATURE, ...key)).slice(0, KEY_ID_BYTES)
}

/** As it is published: `name+id in hex+base64(0x04 ‖ public key)`. */
export function formatCosigner(cosigner: CosignerKey): string {
  const id = [...cosignerId(cosigner)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${cosigner.name}+${id}+${toBase64(Uint8Array.of(COSIGNATURE, ...cosigner.key))}`
}

/** Reads what `formatCosigner` wrote; undefined for anything else, also for the key of a ledger. */
export function parseCosigner(text: string): CosignerKey | undefined {
  const [name = '', id = '', encoded = '', ...rest] = text.trim().split('+')
  const bytes = fromBase64([encoded, ...rest].join('+'))
  if (!isKeyName(name) || bytes?.length !== KEY_BYTES + 1 || bytes[0] !== COSIGNATURE)
    return undefined
  const cosigner: CosignerKey = { name, key: bytes.slice(1), isCosigner: true }
  return formatCosigner(cosigner).split('+')[1] === id ? cosigner : undefined
}

/** What is signed: the time, in whole seconds, and the text of the checkpoint with its last newline. */
export const cosignedText = (text: string, seenAt: number): string =>
  `cosignature/v1\ntime ${String(seenAt)}\n${text}`

/** What stands in the line of a note behind the id of the key. */
export function cosignatureBytes(seenAt: number, signature: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES + signature.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seenAt))
  bytes.set(signature, TIME_BYTES)
  return bytes
}

/** The witnesses, of those given, that cosigned this checkpoint. A wrong cosignature is none. */
export async function cosignersOf(
  note: Note,
  keys: readonly CosignerKey[],
): Promise<readonly Cosigned[]> {
  const checked = await Promise.all(
    keys.map(async (by): Promise<readonly Cosigned[]> => {
      const id = cosignerId(by)
      const own = note.signatures.filter((line) => line.name === by.name && isEqual(line.keyId, id))
      const [line] = own
      // Two by one key: one of them is there to be believed by somebody else.
      if (own.length !== 1 || line?.signature.length !== TIME_BYTES + SIGNATURE_BYTES) return []
      const { signature } = line
      const seenAt = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0))
      if (!Number.isSafeInteger(seenAt)) return []
      const text = utf8.encode(cosignedText(note.text, seenAt))
      const isRight = await isSignedBy(by.key, signature.slice(TIME_BYTES), text)
      return isRight ? [{ by, seenAt }] : []
    }),
  )
  return checked.flat()
}
