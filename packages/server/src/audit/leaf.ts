import { hash } from 'node:crypto'
import type { Hash } from '@countersign/contract/ledger/index'
import type { Line } from './ledger-store.ts'

/**
 * The canonical JSON of an entry (RFC 8785), put together from what is stored: bodies are written
 * canonically, and these are the keys in their order.
 */
export function leafText({ at, kind, call, body }: Omit<Line, 'seq'>): string {
  const called = call === null ? '' : `"call":${JSON.stringify(call)},`
  return `{"at":${String(at)},"body":${body},${called}"kind":${JSON.stringify(kind)}}`
}

/** RFC 9162 §2.1.1; the NUL is the byte that tells a leaf from a node. */
export const leafOf = (text: string): Hash => new Uint8Array(hash('sha256', `\0${text}`, 'buffer'))

/** The same in base64, as receipts have it. */
export const leafInBase64 = (line: Omit<Line, 'seq'>): string =>
  hash('sha256', `\0${leafText(line)}`, 'base64')
