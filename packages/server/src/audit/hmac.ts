import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32

/**
 * HMAC-SHA-256 under one key, in hex (RFC 2104 §2). A key has one for all its texts, made of two plain
 * hashes: an `Hmac` for each text costs a call several times as much, most of it to be set up and freed.
 */
export function hmacUnder(key: Uint8Array): (text: string) => string {
  const inner = padded(key, 0x36)
  const outer = Buffer.concat([padded(key, 0x5c), Buffer.alloc(DIGEST_BYTES)])
  return (text) => {
    const block = Buffer.allocUnsafe(BLOCK_BYTES + Buffer.byteLength(text))
    block.set(inner)
    block.write(text, BLOCK_BYTES)
    outer.set(hash('sha256', block, 'buffer'), BLOCK_BYTES)
    return hash('sha256', outer, 'hex')
  }
}

/** For keys of no more than a block; a longer one would have to be hashed first. */
const padded = (key: Uint8Array, pad: number): Uint8Array =>
  new Uint8Array(BLOCK_BYTES).map((_, at) => pad ^ (key[at] ?? 0))
