import type { JsonObject } from '@countersign/contract'
import type { Detector, Finding } from './detector.ts'
import type { Redaction, Screened, Screening } from './redaction.ts'
import {
  FAMILIES,
  modesFor,
  type Family,
  type Mode,
  type Modes,
  type RedactionSettings,
} from './settings.ts'
import { textsIn, withTexts, type Texts } from './texts.ts'

export type Detectors = Readonly<Record<Family, Detector>>

/** What stands for whatever could not be looked at. */
const UNSEEN = 'unseen'
/** A text this long is looked at in pieces, which share so much that nothing lies between two of them. */
const PIECE_CHARS = 65_536
const SHARED_CHARS = 16_384

type Direction = 'in' | 'out'

/** Looks at texts with these detectors, and does what the settings say about what they find. */
export function makeRedaction(settings: RedactionSettings, detectors: Detectors): Redaction {
  const modesOf = modesFor(settings)
  const screen =
    (direction: Direction) =>
    ({ server, name }: Screening, value: JsonObject): Screened => {
      const modes = modesOf(server, name)
      const wanted = FAMILIES.filter((family) => modes[family][direction] !== 'off')
      if (wanted.length === 0) return { value, found: {}, blocked: [], done: 'record' }
      const texts = textsIn(value, settings.charsMax)
      if (!texts) return unseen(settings, value, wanted, (family) => modes[family][direction])
      if (texts.text === '') return { value, found: {}, blocked: [], done: 'record' }
      const found = wanted.flatMap((family) =>
        inPieces(texts.text, detectors[family]).map((finding) => ({ family, ...finding })),
      )
      return found.length === 0
        ? { value, found: {}, blocked: [], done: 'record' }
        : dealtWith(value, texts, found, { modes, direction })
    }
  return { isOn: true, inward: screen('in'), outward: screen('out') }
}

/** Nobody knows what is in it: where something would be kept from going on, all of it is (PO-073). */
function unseen(
  { tooMuch }: RedactionSettings,
  value: JsonObject,
  wanted: readonly Family[],
  modeOf: (family: Family) => Mode,
): Screened {
  const isHeld = tooMuch === 'block' && wanted.some((family) => modeOf(family) !== 'record')
  return {
    // Whatever is in it is not kept either.
    value: isHeld ? {} : value,
    found: { [UNSEEN]: 1 },
    blocked: isHeld ? [UNSEEN] : [],
    done: isHeld ? 'block' : 'record',
  }
}

function inPieces(text: string, detect: Detector): readonly Finding[] {
  if (text.length <= PIECE_CHARS) return detect(text)
  const found = new Map<string, Finding>()
  for (let at = 0; at < text.length; at += PIECE_CHARS - SHARED_CHARS) {
    for (const { kind, start, end } of detect(text.slice(at, at + PIECE_CHARS))) {
      const here = { kind, start: at + start, end: at + end }
      found.set(`${kind} ${String(here.start)} ${String(here.end)}`, here)
    }
    if (at + PIECE_CHARS >= text.length) break
  }
  return [...found.values()]
}

interface OfFamily extends Finding {
  readonly family: Family
}

function dealtWith(
  value: JsonObject,
  texts: Texts,
  found: readonly OfFamily[],
  { modes, direction }: { readonly modes: Modes; readonly direction: Direction },
): Screened {
  const counts: Record<string, number> = {}
  for (const { kind } of found) counts[kind] = (counts[kind] ?? 0) + 1
  const modeOf = ({ family }: OfFamily): Mode => modes[family][direction]
  const blocked = found.filter((one) => modeOf(one) === 'block').map(({ kind }) => kind)
  const covered = found.filter((one) => modeOf(one) !== 'record')
  return {
    value: covered.length === 0 ? value : cover(value, texts, covered),
    found: counts,
    blocked: [...new Set(blocked)].toSorted(),
    done: blocked.length > 0 ? 'block' : covered.length > 0 ? 'mask' : 'record',
  }
}

/** The same value with what was found covered in each of its texts. */
function cover(value: JsonObject, { text, parts }: Texts, found: readonly Finding[]): JsonObject {
  const places = found.toSorted((one, other) => one.start - other.start || other.end - one.end)
  let at = 0
  let first = 0
  return withTexts(value, () => {
    const part = parts[at++]
    if (!part) throw new Error('a value has more texts than were gathered')
    while ((places[first]?.end ?? Infinity) <= part.start) first++
    return covering(text, part, places, first)
  })
}

function covering(
  text: string,
  part: { readonly start: number; readonly end: number },
  places: readonly Finding[],
  first: number,
): string {
  let said = ''
  let from = part.start
  for (let index = first; index < places.length; index++) {
    const place = places[index]
    if (!place || place.start >= part.end) break
    if (place.end <= from) continue
    said += text.slice(from, Math.max(from, place.start))
    said += `[redacted: ${place.kind}]`
    from = Math.min(part.end, place.end)
  }
  return said + text.slice(from, part.end)
}
