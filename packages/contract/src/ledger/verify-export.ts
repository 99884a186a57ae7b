/** Whether an export of a ledger is what was signed: nothing changed, dropped, added or moved. */
import { isObject, own, textAt, type JsonObject } from '../json.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'
import { entryText, isEntry, type LedgerEntry } from './entry.ts'
import { readHandover } from './handover.ts'
import { isDoubled } from './is-doubled.ts'
import { Frontier, isEqual, leafHash, type Hash } from './merkle.ts'
import { formatKey, parseNote, signersOf, type Note, type NoteKey } from './note.ts'

export const EXPORT_FORMAT = 'countersign-ledger/1'
/** The entry that names a key which signs from then on. */
export const KEY_ADDED = 'ledger.key'

const PROBLEMS_MAX = 100
const DOUBLED = 'It has a member twice, and nobody knows which of them a reader believes.'
const utf8 = new TextEncoder()

/** What is wrong, with the line of the export; `from` and `to` count entries from 0, `to` is without. */
export interface ExportProblem {
  readonly line: number
  readonly what: string
  readonly from?: number
  readonly to?: number
}

export interface ExportReport {
  readonly isWhole: boolean
  /** The first hundred. */
  readonly problems: readonly ExportProblem[]
  readonly entries: number
  readonly checkpoints: number
  /** The newest checkpoint that was signed by a trusted key and fits what precedes it. */
  readonly head: Checkpoint | undefined
  /** Checkpoints from elsewhere that fit. */
  readonly witnessed: number
  /** Entries, from 0, at which the key was lost: only witnesses speak for what stands before them. */
  readonly breaks: readonly number[]
}

export interface Trust {
  /** Whose checkpoints are believed. Keys that a signed entry adds are believed from there on. */
  readonly keys: readonly NoteKey[]
  /** Checkpoints that somebody else has kept: what they saw must still be there. */
  readonly witnesses?: readonly Witnessed[]
}

/** A checkpoint from elsewhere; with its note, it must be signed by a key that is believed by then. */
export interface Witnessed extends Checkpoint {
  readonly note?: Note
}

/** Takes an export line by line, in constant memory. Never throws, whatever a line holds. */
export class ExportVerifier {
  readonly #trusted: NoteKey[]
  readonly #witnesses: ReadonlyMap<number, readonly Witnessed[]>
  readonly #problems: ExportProblem[] = []
  readonly #breaks: number[] = []
  #tree = new Frontier()
  #line = 0
  #entries = 0
  #checkpoints = 0
  #witnessed = 0
  /** Where the part begins that no checkpoint has covered yet. */
  #unsigned = 0
  #head: Checkpoint | undefined
  #origin: string | undefined
  /** Keys that entries since the last good checkpoint name: believed once that part is. */
  #named: NoteKey[] = []
  #isOver = false

  constructor({ keys, witnesses = [] }: Trust) {
    this.#trusted = [...keys]
    const bySize = new Map<number, Witnessed[]>()
    for (const one of witnesses) bySize.set(one.size, [...(bySize.get(one.size) ?? []), one])
    this.#witnesses = bySize
  }

  async line(text: string): Promise<void> {
    this.#line++
    if (text === '') return
    const value = parsed(text)
    if (value && isDoubled(text, value)) this.#problem(DOUBLED, ...this.#rangeOf(value))
    if (this.#line === 1) this.#header(value)
    else if (this.#isOver) this.#problem('There is something after the end.')
    else if (!value) this.#problem('It is not JSON.')
    else if (own(value, 'entry') !== undefined) await this.#entry(value)
    else if (own(value, 'checkpoint') !== undefined) await this.#checkpoint(value)
    else if (own(value, 'end') !== undefined) this.#end(value)
    else this.#problem('It is neither an entry nor a checkpoint.')
  }

  report(): ExportReport {
    if (!this.#isOver) this.#problem('It has no end: what followed is missing.')
    if (this.#unsigned < this.#entries) {
      this.#problem('No checkpoint covers the last entries.', this.#unsigned, this.#entries)
    }
    for (const [size, [one]] of this.#witnesses) {
      if (size > this.#entries && one) {
        this.#problem(`A witness has seen ${String(size)} entries.`, this.#entries, size)
      }
    }
    return {
      isWhole: this.#problems.length === 0,
      problems: this.#problems,
      entries: this.#entries,
      checkpoints: this.#checkpoints,
      head: this.#head,
      witnessed: this.#witnessed,
      breaks: this.#breaks,
    }
  }

  #problem(what: string, from?: number, to?: number): void {
    if (this.#problems.length >= PROBLEMS_MAX) return
    const range = from === undefined || to === undefined ? {} : { from, to }
    this.#problems.push({ line: this.#line, what, ...range })
  }

  /** Where it is an entry, which one. */
  #rangeOf(value: JsonObject): readonly [from?: number, to?: number] {
    return own(value, 'entry') === undefined ? [] : [this.#entries, this.#entries + 1]
  }

  #header(value: JsonObject | undefined): void {
    if (!value || textAt(value, 'ledger') !== EXPORT_FORMAT) {
      this.#problem(`It does not begin as an export (${EXPORT_FORMAT}).`)
    }
    this.#origin = value && textAt(value, 'origin')
  }

  async #entry(value: JsonObject): Promise<void> {
    const place = own(value, 'n')
    if (place !== this.#entries) {
      this.#problem('Another entry should be here.', this.#entries, this.#entries + 1)
    }
    const entry = own(value, 'entry')
    const text = isEntry(entry) ? textOf(entry) : undefined
    if (text === undefined) this.#problem('It is no entry.', this.#entries, this.#entries + 1)
    const leaf = leafHash(utf8.encode(text ?? ''))
    if (own(value, 'leaf') !== toBase64(leaf)) {
      this.#problem('It is not what was hashed.', this.#entries, this.#entries + 1)
    }
    if (isEntry(entry) && entry.kind === KEY_ADDED) await this.#name(entry)
    this.#tree.append(leaf)
    this.#entries++
    const seen = this.#witnesses.get(this.#entries)
    if (seen) await this.#compare(seen)
  }

  /** A key is believed when one that is has signed for it, and then for the entry that names it. */
  async #name({ body }: LedgerEntry): Promise<void> {
    const at = this.#entries
    const handover = await readHandover(textAt(body, 'handover'))
    const isOfThis = handover?.origin === this.#origin
    if (!handover || !isOfThis || formatKey(handover.key) !== textAt(body, 'key')) {
      this.#problem('Its keys have not signed for each other.', at, at + 1)
    } else if (!handover.before) {
      this.#breaks.push(at)
    } else if (this.#believes(handover.before)) {
      this.#named.push(handover.key)
    }
  }

  #believes(key: NoteKey): boolean {
    const text = formatKey(key)
    return [...this.#trusted, ...this.#named].some((one) => formatKey(one) === text)
  }

  async #compare(seen: readonly Witnessed[]): Promise<void> {
    for (const { root, note } of seen) {
      const isSigned = !note || (await signersOf(note, this.#trusted)).length > 0
      if (!isSigned) this.#problem('What a witness has seen is signed by no trusted key.')
      else if (isEqual(root, this.#tree.root())) this.#witnessed++
      else this.#problem('It is not what a witness has seen.', 0, this.#entries)
    }
  }

  async #checkpoint(value: JsonObject): Promise<void> {
    this.#checkpoints++
    const note = parseNote(textAt(value, 'checkpoint'))
    const checkpoint = note && parseCheckpoint(note.text)
    if (!note || !checkpoint) {
      this.#problem('It is no checkpoint.')
      return
    }
    const signers = await signersOf(note, this.#trusted)
    if (signers.length === 0) {
      this.#problem('No trusted key has signed this checkpoint.')
      return
    }
    this.#fit(checkpoint, own(value, 'peaks'))
  }

  #fit(checkpoint: Checkpoint, peaks: unknown): void {
    const { size, root, origin } = checkpoint
    if (origin !== this.#origin) this.#problem(`It is of another ledger: ${origin.slice(0, 100)}.`)
    if (size !== this.#entries) {
      this.#problem(`It is of ${String(size)} entries.`, this.#unsigned, this.#entries)
    } else if (isEqual(root, this.#tree.root())) {
      this.#trusted.push(...this.#named)
      this.#head = checkpoint
    } else {
      this.#problem('What precedes it is not what was signed.', this.#unsigned, size)
    }
    this.#named = []
    this.#unsigned = this.#entries
    // What follows a bad part can still be good: the tree goes on from what was signed.
    const again = frontierOf(checkpoint, peaks)
    if (again && size === this.#entries) this.#tree = again
  }

  #end(value: JsonObject): void {
    this.#isOver = true
    const entries = own(value, 'end')
    if (entries !== this.#entries) {
      const told = typeof entries === 'number' ? String(entries) : 'another number of'
      this.#problem(`It should end after ${told} entries.`)
    }
  }
}

/** The tree of a checkpoint, from the peaks that are told with it; undefined if they do not fit. */
function frontierOf({ size, root }: Checkpoint, peaks: unknown): Frontier | undefined {
  const hashes = (Array.isArray(peaks) ? peaks : []).flatMap((one: unknown): Hash[] => {
    const hash = typeof one === 'string' ? fromBase64(one) : undefined
    return hash?.length === 32 ? [hash] : []
  })
  try {
    const tree = new Frontier(size, hashes)
    return isEqual(tree.root(), root) ? tree : undefined
  } catch {
    return undefined // Not as many as a tree of this size has.
  }
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function textOf(entry: LedgerEntry): string | undefined {
  try {
    return entryText(entry)
  } catch {
    return undefined // A text that is none in Unicode, or nested beyond what can be read.
  }
}
