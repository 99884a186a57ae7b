/**
 * Signed notes (C2SP signed-note): a text, and lines that say who signed it. Reading is strict: a
 * note that could be read in two ways is none.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { fromBase64, toBase64 } from './base64.ts'
import { isEqual } from './merkle.ts'

/** Ed25519, the one kind of signature written and checked here. */
const ED25519 = 1
export const KEY_BYTES = 32
const KEY_ID_BYTES = 4
const SIGNATURE_BYTES = 64
/** A checkpoint is three short lines; what is longer is none. */
const NOTE_CHARS_MAX = 100_000
const SIGNATURES_MAX = 100

const utf8 = new TextEncoder()

/** Who signs: a name that says which ledger it is, and the public key. */
export interface NoteKey {
  readonly name: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

export interface SignatureLine {
  readonly name: string
  readonly keyId: Uint8Array
  readonly signature: Uint8Array
}

export interface Note {
  /** With the newline at its end, which is signed too. */
  readonly text: string
  readonly signatures: readonly SignatureLine[]
}

/** No blank, no plus: they end a name in the forms in which it is written. */
export const isKeyName = (name: string): boolean =>
  name.length > 0 && name.length <= 200 && name.isWellFormed() && !/[\s+\p{Cc}]/u.test(name)

/** The first bytes of the hash of name and key: tells which key to check a signature with. */
export function keyIdOf({ name, key }: NoteKey): Uint8Array {
  const head = utf8.encode(`${name}\n`)
  return sha256(Uint8Array.of(...head, ED25519, ...key)).slice(0, KEY_ID_BYTES)
}

/** As it is published: `name+c74f20a3+ARpc2QcUPDhM…`. */
export function formatKey(key: NoteKey): string {
  const id = [...keyIdOf(key)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${key.name}+${id}+${toBase64(Uint8Array.of(ED25519, ...key.key))}`
}

/** Reads what `formatKey` wrote; undefined for anything else. */
export function parseKey(text: string): NoteKey | undefined {
  const [name = '', id = '', encoded = '', ...rest] = text.trim().split('+')
  // Base64 has the plus too: whatever follows belongs to it.
  const bytes = fromBase64([encoded, ...rest].join('+'))
  if (!isKeyName(name) || bytes?.length !== KEY_BYTES + 1 || bytes[0] !== ED25519) return undefined
  const key = { name, key: bytes.slice(1) }
  return formatKey(key).split('+')[1] === id ? key : undefined
}

/** A note with these signatures; `text` ends with a newline. */
export function formatNote({ text, signatures }: Note): string {
  if (!isNoteText(text)) throw new TypeError('This text cannot be signed as a note.')
  const lines = signatures.map(
    ({ name, keyId, signature }) =>
      `— ${name} ${toBase64(Uint8Array.of(...keyId, ...signature))}\n`,
  )
  return `${text}\n${lines.join('')}`
}

const isNoteText = (text: string): boolean =>
  text.endsWith('\n') && text.isWellFormed() && !/[^\P{Cc}\n]/u.test(text)

/** Reads a note; undefined for what is none. Says nothing about whether its signatures are right. */
export function parseNote(note: string): Note | undefined {
  if (note.length > NOTE_CHARS_MAX || !note.endsWith('\n')) return undefined
  const at = note.lastIndexOf('\n\n')
  if (at === -1) return undefined
  const text = note.slice(0, at + 1)
  const lines = note.slice(at + 2, -1).split('\n')
  const signatures = lines.slice(0, SIGNATURES_MAX + 1).flatMap((line) => readLine(line) ?? [])
  const isSound = isNoteText(text) && signatures.length === lines.length
  return isSound && lines.length <= SIGNATURES_MAX ? { text, signatures } : undefined
}

function readLine(line: string): SignatureLine | undefined {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ')
  const bytes = fromBase64(encoded)
  if (dash !== '—' || rest.length > 0 || !isKeyName(name) || !bytes) return undefined
  // Other kinds of signature are longer; one that is no longer than its key's id is none.
  if (bytes.length <= KEY_ID_BYTES) return undefined
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) }
}

/** The keys, of those given, that signed this note. A wrong signature by one of them is none. */
export async function signersOf(note: Note, keys: readonly NoteKey[]): Promise<readonly NoteKey[]> {
  const text = utf8.encode(note.text)
  const checked = await Promise.all(
    keys.map(async (key) => {
      const id = keyIdOf(key)
      const own = note.signatures.filter(
        (line) => line.name === key.name && isEqual(line.keyId, id),
      )
      // Two signatures by one key: one of them is there to be believed by somebody else.
      const [line] = own
      if (!line || own.length > 1 || line.signature.length !== SIGNATURE_BYTES) return []
      return (await isSignedBy(key.key, line.signature, text)) ? [key] : []
    }),
  )
  return checked.flat()
}

/** Whether this Ed25519 key made this signature. Never throws. */
export async function isSignedBy(
  key: Uint8Array,
  signature: Uint8Array,
  text: Uint8Array,
): Promise<boolean> {
  try {
    const imported = await crypto.subtle.importKey('raw', bufferOf(key), 'Ed25519', false, [
      'verify',
    ])
    return await crypto.subtle.verify('Ed25519', imported, bufferOf(signature), bufferOf(text))
  } catch {
    return false // A key that is no point of the curve signs nothing.
  }
}

/** WebCrypto wants memory that nobody shares. */
const bufferOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)
