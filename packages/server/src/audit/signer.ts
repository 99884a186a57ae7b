import { createPrivateKey, createPublicKey, hash, sign, type KeyObject } from 'node:crypto'
import {
  checkpointText,
  formatNote,
  keyIdOf,
  type Checkpoint,
  type NoteKey,
  type SignatureLine,
} from '@countersign/contract/ledger/index'

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const KEY_BYTES = 32

/** One Ed25519 key that can sign. */
export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly sign: (text: Uint8Array) => Uint8Array
}

/** `seed`: 32 bytes that are never told. */
export function keyPair(seed: Buffer): KeyPair {
  const der = Buffer.concat([PKCS8_HEAD, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return {
    publicKey: publicPart(privateKey),
    sign: (text) => new Uint8Array(sign(null, text, privateKey)),
  }
}

function publicPart(privateKey: KeyObject): Uint8Array {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return new Uint8Array(spki.subarray(spki.length - KEY_BYTES))
}

/** What somebody is called who has no other name than a key. */
export const nameOf = (publicKey: Uint8Array): string =>
  `countersign-${hash('sha256', publicKey, 'hex').slice(0, 16)}`

/** The line by which a key signs a note. */
export function signatureLine(name: string, pair: KeyPair, text: string): SignatureLine {
  const keyId = keyIdOf({ name, key: pair.publicKey })
  return { name, keyId, signature: pair.sign(Buffer.from(text)) }
}

/** Signs what a ledger says of itself. */
export interface Signer {
  /** The name that stands in each checkpoint, whichever key signs it. */
  readonly origin: string
  /** The one that signs from now on. */
  readonly key: NoteKey
  /** A checkpoint as a signed note (C2SP tlog-checkpoint). */
  readonly note: (checkpoint: Omit<Checkpoint, 'origin'>) => string
  /** The line by which the key of now signs this text. */
  readonly line: (text: string) => SignatureLine
  /** Another key signs from now on. */
  readonly use: (pair: KeyPair) => void
}

/** A ledger is named after its first key, unless it has its name already. */
export const makeSigner = (seed: Buffer, origin?: string): Signer => new KeySigner(seed, origin)

class KeySigner implements Signer {
  readonly origin: string
  #pair: KeyPair

  constructor(seed: Buffer, origin: string | undefined) {
    this.#pair = keyPair(seed)
    this.origin = origin ?? nameOf(this.#pair.publicKey)
  }

  get key(): NoteKey {
    return { name: this.origin, key: this.#pair.publicKey }
  }

  note(checkpoint: Omit<Checkpoint, 'origin'>): string {
    const text = checkpointText({ ...checkpoint, origin: this.origin })
    return formatNote({ text, signatures: [this.line(text)] })
  }

  line(text: string): SignatureLine {
    return signatureLine(this.origin, this.#pair, text)
  }

  use(pair: KeyPair): void {
    this.#pair = pair
  }
}
