import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { Fault } from '@countersign/contract'
import type { World } from './world.ts'

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** What one sealed text may hold; session ids and request states are far smaller. */
const SEALED_CHARS_MAX = 65_536

/**
 * Texts that travel through a client and come back: readable and changeable by nobody else.
 *
 * `purpose` is authenticated with the content, so a text sealed for one purpose opens for no other.
 */
export interface Seal {
  readonly seal: (purpose: string, content: string) => string
  /** The content, or undefined for whatever we did not seal under one of our keys. */
  readonly open: (purpose: string, sealed: string) => string | undefined
}

/**
 * AES-256-GCM with a random nonce per text. The first key seals, every key opens, so a key can be
 * replaced without invalidating what is under way.
 */
export function makeSeal(world: World, keys: readonly [Buffer, ...Buffer[]]): Seal {
  const current: Keyed = { id: keyId(keys[0]), key: keys[0] }
  const ring = [current, ...keys.slice(1).map((key): Keyed => ({ id: keyId(key), key }))]
  return {
    seal: (purpose, content) => {
      const nonce = world.random(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, current.key, nonce)
      cipher.setAAD(Buffer.from(purpose))
      const body = Buffer.concat([cipher.update(content, 'utf8'), cipher.final()])
      const parts = [current.id, nonce, cipher.getAuthTag(), body]
      const sealed = Buffer.concat(parts).toString('base64url')
      // What could not be opened again is refused now, when somebody can still be told.
      if (sealed.length <= SEALED_CHARS_MAX) return sealed
      throw new Fault('upstream/too-large', 'The server wants more carried along than fits.')
    },
    open: (purpose, sealed) => {
      if (sealed.length > SEALED_CHARS_MAX) return undefined
      const bytes = Buffer.from(sealed, 'base64url')
      // Base64 ignores stray characters; only the exact text that we wrote may open.
      if (bytes.toString('base64url') !== sealed) return undefined
      const keyed = ring.find(({ id }) => bytes.subarray(0, id.length).equals(id))
      return keyed && decrypt(keyed, purpose, bytes.subarray(keyed.id.length))
    },
  }
}

interface Keyed {
  readonly id: Buffer
  readonly key: Buffer
}

function decrypt({ key }: Keyed, purpose: string, bytes: Buffer): string | undefined {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES))
  decipher.setAAD(Buffer.from(purpose))
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  try {
    const body = bytes.subarray(NONCE_BYTES + TAG_BYTES)
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
  } catch {
    return undefined // Not ours, or changed on the way: the caller treats both alike.
  }
}

const keyId = (key: Buffer): Buffer =>
  createHash('sha256').update('countersign key id').update(key).digest().subarray(0, 4)
