import { readFileSync, realpathSync, statSync } from 'node:fs'
import { digestOf } from '#base'

const FILE_BYTES_MAX = 33_554_432

/** A file as it is now; what is written later is compared with this. */
export interface FileContent {
  /** Where the bytes are: symbolic links are followed, so that they stay links. */
  readonly real: string
  readonly bytes: Buffer
  readonly digest: string
  readonly mode: number
}

export type ReadFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly problem: string }
  | { readonly kind: 'content'; readonly content: FileContent }

const MISSING = new Set(['ENOENT', 'ENOTDIR'])

export function readBytes(path: string): ReadFile {
  try {
    const real = realpathSync(path)
    const stats = statSync(real)
    if (stats.isDirectory()) return { kind: 'unreadable', problem: 'this is a folder' }
    if (!stats.isFile()) return { kind: 'unreadable', problem: 'this is no ordinary file' }
    if (stats.size > FILE_BYTES_MAX) return { kind: 'unreadable', problem: 'larger than 32 MiB' }
    const bytes = readFileSync(real)
    const content = { real, bytes, digest: digestOf(bytes), mode: stats.mode & 0o777 }
    return { kind: 'content', content }
  } catch (thrown) {
    const code = codeOf(thrown)
    return MISSING.has(code)
      ? { kind: 'missing' }
      : { kind: 'unreadable', problem: `cannot be read (${code})` }
  }
}

/** The text, and whether a byte order mark stood in front of it; undefined when it is not UTF-8. */
export function textOf(bytes: Buffer): { text: string; mark: boolean } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.startsWith('\uFEFF') ? { text: text.slice(1), mark: true } : { text, mark: false }
  } catch {
    return undefined
  }
}

export const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
