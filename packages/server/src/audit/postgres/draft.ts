import type { LedgerPen, RunName, StoredCheckpoint } from '../ledger-store.ts'
import type { Payload } from '../payload-store.ts'

interface DraftLine {
  readonly at: number
  readonly kind: string
  readonly call: string | null
  readonly body: string
}

type Part = 'lines' | 'begun' | 'ended' | 'abandoned' | 'joined' | 'carried' | 'kept' | 'signed'

/** What is written to Postgres in one statement, as a document of lists. */
export class Draft implements LedgerPen {
  readonly #parts: Partial<Record<Part, unknown[]>> = {}
  /** About as long as its document. */
  chars = 0

  #add(part: Part, value: unknown, chars: number): void {
    const list = (this.#parts[part] ??= [])
    list.push(value)
    this.chars += chars
  }

  append(at: number, kind: string, call: string | null, body: string): undefined {
    const line: DraftLine = { at, kind, call, body }
    this.#add('lines', line, body.length)
  }

  begin(call: string, server: string): void {
    this.#add('begun', { call, server }, call.length)
  }

  end(call: string): void {
    this.#add('ended', call, call.length)
  }

  abandon(at: number, kind: string, call: string, body: string): void {
    this.#add('abandoned', { at, kind, call, body }, body.length)
  }

  join({ principal, run }: RunName, call: string): void {
    this.#add('joined', { principal, run, call }, principal.length + run.length)
  }

  carry({ sealed, ...place }: Payload): void {
    const hex = hexOf(sealed)
    this.#add('carried', { ...place, sealed: hex }, hex.length)
  }

  keep(level: number, place: number, hash: Uint8Array): void {
    this.#add('kept', { level, place, hash: hexOf(hash) }, HASH_CHARS)
  }

  sign({ size, at, note, peaks }: StoredCheckpoint): void {
    this.#parts.kept ??= []
    this.#add('signed', { size, at, note, peaks: hexOf(peaks) }, note.length)
  }

  get isEmpty(): boolean {
    return Object.keys(this.#parts).length === 0
  }

  /** Adds another one behind this. */
  take(other: Draft): void {
    for (const part of PARTS) {
      const more = other.#parts[part]
      if (!more) continue
      const list = (this.#parts[part] ??= [])
      for (const one of more) list.push(one)
    }
    this.chars += other.chars
  }

  text(): string {
    return JSON.stringify(this.#parts)
  }
}

const PARTS: readonly Part[] = [
  'lines',
  'begun',
  'ended',
  'abandoned',
  'joined',
  'carried',
  'kept',
  'signed',
]
const HASH_CHARS = 64

const hexOf = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex')
