import { timingSafeEqual } from 'node:crypto'
import { isObject, own, textAt, type JsonObject } from '@countersign/contract'
import {
  followKeys,
  formatCosigner,
  formatKey,
  parseCheckpoint,
  parseKey,
  parseNote,
  readHandover,
  toBase64,
  type CosignerKey,
  type NoteKey,
} from '@countersign/contract/ledger/index'
import { nameOf, type FoldedNotes, type KeyPair, type Ledger } from '#audit'
import { digestOf, type Secret, type World } from '#base'
import type { Records, Saved } from '#store'
import { cosign, judge, refuse, type Answer, type SeenLedger, type Verdict } from './judge.ts'
import { parseSubmission } from './request.ts'
import type { WatchedSpec } from './spec.ts'

export interface WitnessingRooms {
  readonly world: World
  readonly records: Records
  readonly ledger: Pick<Ledger, 'note'>
  /** For what others bring about. */
  readonly notes: Pick<FoldedNotes, 'note'>
  /** Our key as a witness: never the one that signs our own ledger. */
  readonly pair: KeyPair
}

/** Who shows something, as far as the request says. */
interface Shower {
  readonly token: string | undefined
  readonly key: string | undefined
}

/** What we keep of the ledgers of others. */
export interface Witnessing {
  /** Our key, as whoever checks our cosignatures wants it. */
  readonly key: string
  readonly addCheckpoint: (text: string, by: Shower) => Promise<Answer>
  readonly addHandover: (body: unknown, by: Shower) => Promise<Answer>
}

/** C2SP tlog-witness. One row for each ledger: the newest checkpoint we have signed for. */
const WITNESSED = 'WitnessedLedger'
const INTRODUCED = 'WitnessIntroduced'
const KEYS_MAX = 100
/** Two that show a checkpoint at the same time: one of them looks again. */
const TRIES_MAX = 5
const SECOND_MS = 1_000

export function openWitnessing(rooms: WitnessingRooms, specs: readonly WatchedSpec[]): Witnessing {
  const { pair } = rooms
  const by: CosignerKey = { name: nameOf(pair.publicKey), key: pair.publicKey, isCosigner: true }
  return {
    key: formatCosigner(by),
    addCheckpoint: async (text, shower) => {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const answer = await take(rooms, specs, by, { text, shower })
        if (answer) return answer
      }
      return refuse(503, 'Too many show this ledger at one time.').answer
    },
    addHandover: (body) => handOver(rooms, specs, body),
  }
}

interface Asked {
  readonly text: string
  readonly shower: Shower
}

/** Undefined when another checkpoint came between. */
async function take(
  rooms: WitnessingRooms,
  specs: readonly WatchedSpec[],
  by: CosignerKey,
  { text, shower }: Asked,
): Promise<Answer | undefined> {
  const read = requestIn(text)
  if (!read) return refuse(400, 'It is no request of add-checkpoint.').answer
  const { submission, note, origin } = read
  const id = digestOf(origin)
  const kept = await rooms.records.get(WITNESSED, id)
  const { seen, isNew } = seenOf(specs, kept, origin, shower)
  if (seen.keys.length === 0) return refuse(404, 'This ledger is not known here.').answer
  const verdict = await judge(submission, seen)
  if (verdict.is === 'refused') return told(rooms, verdict)
  if (isNew && !(await isIntroduced(rooms, origin, shower))) {
    return refuse(404, 'This token has introduced another ledger.').answer
  }
  const { world } = rooms
  const seenAt = Math.floor(world.now() / SECOND_MS)
  const line = cosign(by, rooms.pair, note.text, seenAt)
  const value: JsonObject = {
    origin,
    keys: seen.keys.map(formatKey),
    size: verdict.checkpoint.size,
    root: toBase64(verdict.checkpoint.root),
    at: world.now(),
    checkpoint: `${submission.note}${line}`,
  }
  if (!(await replace(rooms, id, kept, value))) return undefined
  if (isNew) await trust(rooms, origin, seen.keys, 'token')
  return { status: 200, text: line }
}

function requestIn(text: string) {
  const submission = parseSubmission(text)
  const note = submission && parseNote(submission.note)
  const origin = note && parseCheckpoint(note.text)?.origin
  return submission && note && origin !== undefined ? { submission, note, origin } : undefined
}

function told(
  { notes }: WitnessingRooms,
  { answer, forged }: Extract<Verdict, { readonly is: 'refused' }>,
): Answer {
  if (forged) notes.note('witness.refused', forged)
  return answer
}

/** A token introduces one ledger: whoever has it cannot begin another history under another name. */
async function isIntroduced(
  { records }: WitnessingRooms,
  origin: string,
  { token = '' }: Shower,
): Promise<boolean> {
  const id = digestOf(token)
  if (await records.add(INTRODUCED, id, { origin })) return true
  const first = await records.get(INTRODUCED, id)
  return first?.value['origin'] === origin
}

/** On disk before it is answered, and never over what somebody else has put there meanwhile. */
const replace = (
  { records }: WitnessingRooms,
  id: string,
  kept: Saved | undefined,
  value: JsonObject,
): Promise<boolean> =>
  kept ? records.swap(WITNESSED, id, kept.revision, { value }) : records.add(WITNESSED, id, value)

async function trust(
  { ledger }: WitnessingRooms,
  origin: string,
  keys: readonly NoteKey[],
  by: string,
): Promise<void> {
  for (const key of keys) await ledger.note('witness.trusted', { origin, key: formatKey(key), by })
}

/** What is known of a ledger, by what was kept, by configuration, or by a token the first time. */
function seenOf(
  specs: readonly WatchedSpec[],
  kept: Saved | undefined,
  origin: string,
  { token, key }: Shower,
): { readonly seen: SeenLedger; readonly isNew: boolean } {
  const configured = specs.flatMap((one) =>
    one.key?.name === origin && mayShow(one, token) ? [one.key] : [],
  )
  const known = kept ? keysIn(kept.value) : []
  const size = kept ? Number(own(kept.value, 'size')) : 0
  const root = kept ? textAt(kept.value, 'root') : ''
  if (kept || configured.length > 0) {
    return { seen: { keys: distinct([...configured, ...known]), size, root }, isNew: false }
  }
  const first = parseKey(key ?? '')
  const hasToken = specs.some((one) => !one.key && one.token && mayShow(one, token))
  const isTrusted = hasToken && first?.name === origin
  return { seen: { keys: isTrusted ? [first] : [], size, root }, isNew: isTrusted }
}

const distinct = (keys: readonly NoteKey[]): readonly NoteKey[] => [
  ...new Map(keys.map((key) => [formatKey(key), key])).values(),
]

const mayShow = ({ token }: WatchedSpec, given: string | undefined): boolean =>
  token === undefined || (given !== undefined && isSame(token, given))

/** Compared as digests: how long it takes says nothing about how far it is right. */
const isSame = (token: Secret, given: string): boolean =>
  timingSafeEqual(Buffer.from(digestOf(token.reveal())), Buffer.from(digestOf(given)))

function keysIn(value: JsonObject): readonly NoteKey[] {
  const keys = own(value, 'keys')
  return (Array.isArray(keys) ? keys : []).flatMap((one) =>
    typeof one === 'string' ? (parseKey(one) ?? []) : [],
  )
}

/** A ledger whose key we know has another one: the one we know has signed for it. */
async function handOver(
  rooms: WitnessingRooms,
  specs: readonly WatchedSpec[],
  body: unknown,
): Promise<Answer> {
  const given = isObject(body) ? own(body, 'handovers') : undefined
  const texts = (Array.isArray(given) ? given : []).filter((one) => typeof one === 'string')
  const [first] = await Promise.all(texts.slice(-1).map(readHandover))
  if (!first) return refuse(400, 'It is no handover.').answer
  const { origin } = first
  const id = digestOf(origin)
  const kept = await rooms.records.get(WITNESSED, id)
  const configured = specs.flatMap(({ key }) => (key?.name === origin ? [key] : []))
  const known = [...configured, ...(kept ? keysIn(kept.value) : [])]
  const believed = await followKeys(known, texts)
  const added = believed.filter(
    (key) => key.name === origin && !known.some((one) => formatKey(one) === formatKey(key)),
  )
  if (added.length === 0) return refuse(403, 'No key that is known here has signed for it.').answer
  const keys = distinct([...known, ...added])
    .slice(-KEYS_MAX)
    .map(formatKey)
  const value = kept ? { ...kept.value, keys } : { origin, keys, size: 0, root: '' }
  if (!(await replace(rooms, id, kept, value))) return refuse(503, 'Try again.').answer
  await trust(rooms, origin, added, 'handover')
  return { status: 200, text: 'ok\n' }
}
