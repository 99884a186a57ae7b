import { createPrivateKey, createPublicKey, hash, sign, type KeyObject } from 'node:crypto'
import {
  checkpointText,
  formatNote,
  keyIdOf,
  type Checkpoint,
  type NoteKey,
} from '@countersign/contract/ledger/index'

/** Signs what a ledger says of itself. */
export interface Signer {
  /** The name that stands in each checkpoint, whichever key signs it. */
  readonly origin: string
  readonly key: NoteKey
  /** A checkpoint as a signed note (C2SP tlog-checkpoint). */
  readonly note: (checkpoint: Omit<Checkpoint, 'origin'>) => string
}

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const KEY_BYTES = 32

/** `seed`: 32 bytes that are never told. The ledger is named after its first key. */
export function makeSigner(seed: Buffer): Signer {
  const der = Buffer.concat([PKCS8_HEAD, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const key = publicPart(privateKey)
  const name = `countersign-${hash('sha256', key, 'hex').slice(0, 16)}`
  const noteKey: NoteKey = { name, key }
  return {
    origin: name,
    key: noteKey,
    note: (checkpoint) => {
      const text = checkpointText({ ...checkpoint, origin: name })
      const signature = new Uint8Array(sign(null, Buffer.from(text), privateKey))
      return formatNote({ text, signatures: [{ name, keyId: keyIdOf(noteKey), signature }] })
    },
  }
}

function publicPart(privateKey: KeyObject): Uint8Array {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return new Uint8Array(spki.subarray(spki.length - KEY_BYTES))
}
