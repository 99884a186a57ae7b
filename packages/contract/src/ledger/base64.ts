/** Standard base64 with padding, as notes have it; strict, so that one value has one text. */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  // A call takes no more arguments than fit on the stack, whatever a stranger's export holds.
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES))
  }
  return btoa(text)
}

const CHUNK_BYTES = 8_192

/** Undefined for anything that `toBase64` would not have written. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  return toBase64(bytes) === text ? bytes : undefined
}
