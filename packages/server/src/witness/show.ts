import { parseNote, formatKey, type NoteKey } from '@countersign/contract/ledger/index'
import type { SafeFetch } from '#auth'
import { openLineFile, type World } from '#base'
import { signedHeaders } from '#feeds'
import { KEY_HEADER, SIZE_TYPE, submissionText } from './request.ts'
import type { WitnessSpec } from './spec.ts'

/** A checkpoint, and what leads to it from an older one. */
export interface Shown {
  readonly origin: string
  readonly key: NoteKey
  readonly size: number
  readonly note: string
  /** As hashes of a consistency proof, from a tree of so many entries. */
  readonly since: (size: number) => Promise<readonly Uint8Array[]>
  readonly handovers: () => Promise<readonly string[]>
}

export interface ShowRooms {
  readonly world: World
  readonly safeFetch: SafeFetch
}

/** It was not kept: why, in words for whoever runs this. */
export class NotKept extends Error {
  override readonly name = 'NotKept'
}

/** Shows a checkpoint, once. Resolves with the note that is kept there. @throws NotKept */
export async function show(
  rooms: ShowRooms,
  spec: WitnessSpec,
  shown: Shown,
  seen: number,
): Promise<string> {
  try {
    switch (spec.kind) {
      case 'file':
        return await intoFile(rooms, spec, shown)
      case 'webhook':
        return await toWebhook(rooms, spec, shown)
      case 'witness':
        return await toWitness(rooms, spec, shown, seen)
    }
  } catch (thrown) {
    if (thrown instanceof NotKept) throw thrown
    throw new NotKept(wordsOf(thrown, spec), { cause: thrown })
  }
}

/** Addresses may be secrets by themselves: no more than their host is told. */
function wordsOf(thrown: unknown, spec: WitnessSpec): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const url = 'url' in spec ? spec.url : ''
  const host = URL.canParse(url) ? new URL(url).host : ''
  return message.replaceAll(url === '' ? '\0' : url, host).slice(0, PROBLEM_CHARS_MAX)
}
const PROBLEM_CHARS_MAX = 300

type Of<Kind extends WitnessSpec['kind']> = Extract<WitnessSpec, { readonly kind: Kind }>

/** A line of JSON for each: `countersign verify --witness` reads the file as it is. */
async function intoFile(
  { world }: ShowRooms,
  { path }: Of<'file'>,
  { origin, size, note }: Shown,
): Promise<string> {
  await using file = await openLineFile(path)
  await file.mend()
  const at = new Date(world.now()).toISOString()
  await file.append(`${JSON.stringify({ at, origin, size, checkpoint: note })}\n`)
  return note
}

async function toWebhook(
  { world, safeFetch }: ShowRooms,
  { url, reach, secrets }: Of<'webhook'>,
  { origin, key, size, note }: Shown,
): Promise<string> {
  const now = world.now()
  const body = JSON.stringify({
    type: 'ledger.checkpoint',
    timestamp: new Date(now).toISOString(),
    data: { origin, size, key: formatKey(key), checkpoint: note },
  })
  // The same checkpoint has the same id, however often it is tried.
  const id = `checkpoint_${origin.replaceAll(/[^\w-]/g, '-')}_${String(size)}`
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'countersign',
    accept: '*/*',
    ...(secrets.length > 0 ? signedHeaders(secrets, { id, at: now, body }) : {}),
  }
  const { status } = await safeFetch.ask({ url, reach, method: 'POST', headers, body })
  if (status < 200 || status > 299) throw new NotKept(`HTTP ${String(status)}`)
  return note
}

/** C2SP tlog-witness: it checks that nothing it saw was changed, and signs for having seen this. */
async function toWitness(
  rooms: ShowRooms,
  spec: Of<'witness'>,
  shown: Shown,
  seen: number,
): Promise<string> {
  let old = seen
  let hasHandedOver = false
  // Once more with what it has seen by its own account, and once more with how the key was replaced.
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const answer = await submit(rooms, spec, shown, old)
    if (answer.status === 200) return cosigned(shown.note, answer.text)
    const told = sizeIn(answer)
    if (answer.status === 409 && told !== undefined && told !== old) {
      if (told > shown.size) throw new NotKept(setBack(told, shown.size))
      old = told
    } else if (answer.status === 403 && !hasHandedOver) {
      hasHandedOver = true
      await handOver(rooms, spec, await shown.handovers())
    } else throw new NotKept(refusalOf(answer.status, old))
  }
  throw new NotKept('it changes its mind about what it has seen')
}

const TRIES_MAX = 4

type Told = Awaited<ReturnType<SafeFetch['ask']>>

const headersOf = ({ token }: Of<'witness'>): Readonly<Record<string, string>> => ({
  'content-type': 'text/plain; charset=utf-8',
  'user-agent': 'countersign',
  accept: '*/*',
  ...(token ? { authorization: `Bearer ${token.reveal()}` } : {}),
})

async function submit(
  { safeFetch }: ShowRooms,
  spec: Of<'witness'>,
  { key, note, since }: Shown,
  old: number,
): Promise<Told> {
  const body = submissionText({ old, proof: old === 0 ? [] : await since(old), note })
  const url = `${spec.url}/add-checkpoint`
  const headers = { ...headersOf(spec), [KEY_HEADER]: formatKey(key) }
  return safeFetch.ask({ url, reach: spec.reach, method: 'POST', headers, body })
}

async function handOver(
  { safeFetch }: ShowRooms,
  spec: Of<'witness'>,
  handovers: readonly string[],
): Promise<void> {
  if (handovers.length === 0) throw new NotKept(refusalOf(403, 0))
  const url = `${spec.url}/add-handover`
  const body = JSON.stringify({ handovers })
  const headers = { ...headersOf(spec), 'content-type': 'application/json' }
  const { status } = await safeFetch.ask({ url, reach: spec.reach, method: 'POST', headers, body })
  if (status !== 200) throw new NotKept('HTTP 403: it does not know the key that signs now')
}

function sizeIn({ headers, text }: Told): number | undefined {
  const type = String(headers['content-type'] ?? '')
  if (!type.startsWith(SIZE_TYPE) || !/^(?:0|[1-9]\d{0,15})\n?$/.test(text)) return undefined
  return Number(text)
}

const setBack = (seen: number, now: number): string =>
  `it has seen ${String(seen)} entries, and there are ${String(now)}: this ledger was set back`

const REFUSALS: Readonly<Record<number, string>> = {
  401: 'it does not know our token',
  403: 'it does not know the key that signs now',
  404: 'it does not keep checkpoints of this ledger',
  409: 'it has seen another history of this ledger',
  422: 'it has seen another history of this ledger',
}
function refusalOf(status: number, seen: number): string {
  const why = REFUSALS[status]
  const words = why === undefined ? '' : `: ${why}`
  const upTo = status === 422 || status === 409 ? `, of ${String(seen)} entries` : ''
  return `HTTP ${String(status)}${words}${upTo}`
}

/** The note with what the witness signed; what it did not sign well makes it no witness. */
function cosigned(note: string, lines: string): string {
  const both = parseNote(`${note}${lines}`)
  const own = parseNote(note)
  if (!both || !own || both.signatures.length <= own.signatures.length) {
    throw new NotKept('what it answered is no cosignature')
  }
  return `${note}${lines}`
}
