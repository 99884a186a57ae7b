/**
 * One key of a ledger takes over from another: a note that names both and that both have signed, so that
 * whoever believes the old one may believe the new one, and the new one stands by what came before.
 */
import { isOneLine } from './checkpoint.ts'
import { formatKey, parseKey, parseNote, signersOf, type NoteKey } from './note.ts'

const HEAD = 'countersign-ledger-key/1'

export interface Handover {
  /** The ledger that the keys are of. */
  readonly origin: string
  /** The key that signed until now; undefined where it is lost, and nobody can vouch for the new one. */
  readonly before: NoteKey | undefined
  readonly key: NoteKey
}

/** The text that is signed: four lines. */
export const handoverText = ({ origin, before, key }: Handover): string =>
  `${HEAD}\n${origin}\n${before ? formatKey(before) : 'lost'}\n${formatKey(key)}\n`

/** Reads a note over a handover that every key it names has signed; undefined for anything else. */
export async function readHandover(text: string): Promise<Handover | undefined> {
  const note = parseNote(text)
  const said = note && handoverIn(note.text)
  if (!said) return undefined
  const named = said.before ? [said.before, said.key] : [said.key]
  return (await signersOf(note, named)).length === named.length ? said : undefined
}

function handoverIn(text: string): Handover | undefined {
  const lines = text.split('\n')
  const [head, origin = '', before = '', key = '', end] = lines
  if (head !== HEAD || !isOneLine(origin) || end !== '' || lines.length !== 5) return undefined
  const next = parseKey(key)
  if (before === 'lost') return next && { origin, before: undefined, key: next }
  const old = parseKey(before)
  return next && old && { origin, before: old, key: next }
}

/**
 * The keys that may be believed by whoever believes `keys`, and was shown these handovers: in any order,
 * each one that a believed key has signed adds the key it names.
 */
export async function followKeys(
  keys: readonly NoteKey[],
  handovers: readonly string[],
): Promise<readonly NoteKey[]> {
  const read = await Promise.all(handovers.slice(0, HANDOVERS_MAX).map(readHandover))
  const believed = new Map(keys.map((key) => [formatKey(key), key]))
  for (let grew = true; grew;) {
    const sizeBefore = believed.size
    for (const one of read) {
      if (one?.before && believed.has(formatKey(one.before))) {
        believed.set(formatKey(one.key), one.key)
      }
    }
    grew = believed.size > sizeBefore
  }
  return [...believed.values()]
}

const HANDOVERS_MAX = 1_000
