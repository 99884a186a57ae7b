/** How a value travels in an MCP header: as it is, or as base64 behind a sentinel (H-032 to H-034). */

const PREFIX = '=?base64?'
const SUFFIX = '?='
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
// Visible ASCII with inner spaces. An inner tab is legal but the suite wants it encoded (H-034).
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/** Encodes a string for `Mcp-Name` or `Mcp-Param-*` (2026-07-28 Streamable HTTP, Value Encoding). */
export function encodeHeaderValue(value: string): string {
  const looksEncoded = value.startsWith(PREFIX) && value.endsWith(SUFFIX)
  if (PLAIN.test(value) && !looksEncoded) return value
  return PREFIX + base64(new TextEncoder().encode(value)) + SUFFIX
}

/** Without the spaces and tabs around it (H-031). A regular expression would take quadratic time. */
export function trimBlanks(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

/** Decodes a header value; undefined when it carries the sentinel around something not base64 UTF-8. */
export function decodeHeaderValue(header: string): string | undefined {
  const value = trimBlanks(header)
  // H-035: bytes above 0x7E arrive as Latin-1 and could be taken for the text they are not.
  if (/[^\x20-\x7e\t]/.test(value)) return undefined
  if (!value.startsWith(PREFIX) || !value.endsWith(SUFFIX)) return value
  if (value.length < PREFIX.length + SUFFIX.length) return value
  const body = value.slice(PREFIX.length, -SUFFIX.length)
  if (!BASE64.test(body)) return undefined
  const bytes = Uint8Array.from(atob(body), (char) => char.charCodeAt(0))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function base64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
