import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { World } from '#base'
import type { SubjectKey } from './subject-keys.ts'

/** The half of a call that a payload is: what went in, or what came out. */
export type PayloadPart = 'arguments' | 'result'

/** Where a payload belongs: one that was moved to another call does not open there. */
export interface PayloadPlace {
  readonly call: string
  readonly part: PayloadPart
}

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What sealing adds to a text. */
export const SEAL_BYTES: number = NONCE_BYTES + TAG_BYTES

/** nonce ‖ tag ‖ content: AES-256-GCM under the key of the subject. */
export function sealPayload(
  world: Pick<World, 'random'>,
  key: SubjectKey,
  place: PayloadPlace,
  text: string,
): Uint8Array {
  const nonce = world.random(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key.seal, nonce)
  cipher.setAAD(aadOf(key, place))
  const content = [cipher.update(text, 'utf8'), cipher.final()]
  return Buffer.concat([nonce, cipher.getAuthTag(), ...content])
}

/** Undefined when it was not sealed so, or was changed since. */
export function openPayload(
  key: SubjectKey,
  place: PayloadPlace,
  sealed: Uint8Array,
): string | undefined {
  if (sealed.length < SEAL_BYTES) return undefined
  const decipher = createDecipheriv(ALGORITHM, key.seal, sealed.subarray(0, NONCE_BYTES))
  decipher.setAAD(aadOf(key, place))
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, SEAL_BYTES))
  try {
    const content = [decipher.update(sealed.subarray(SEAL_BYTES)), decipher.final()]
    return Buffer.concat(content).toString('utf8')
  } catch {
    return undefined // Not ours, or changed where it is kept: neither can be read.
  }
}

const aadOf = ({ id }: SubjectKey, { call, part }: PayloadPlace): Buffer =>
  Buffer.from(JSON.stringify(['countersign payload', id, call, part]))
