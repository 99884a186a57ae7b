import { canonical, type Effect, type Json, type JsonObject } from '@countersign/contract'
import { digestOf, type World } from '#base'
import { SEAL_BYTES, sealPayload, type PayloadPart, type PayloadPlace } from './payload-box.ts'
import type { Payload } from './payload-store.ts'
import type { SubjectKey, SubjectKeys } from './subject-keys.ts'

/** What became of a payload that is to be kept: the entry says so. */
type PayloadFate = 'kept' | 'too-large' | 'full'

/** What stands for a value in its entry, and what is written with that entry. */
export interface Carried {
  readonly digest: string
  /** Absent where nothing of this kind is kept. */
  readonly fate?: PayloadFate
  readonly payload?: Payload
}

/** Of which call, and whose. */
export interface CarriedBy {
  readonly call: string
  readonly subject: string
  readonly effect: Effect
}

/** What calls carried, kept apart from their entries. */
export interface Payloads {
  /**
   * What stands for a value in entries and approvals: equal for equal values of one subject, and
   * nothing to guess back from once the subject is erased. @throws what `canonical` throws.
   */
  readonly digest: (subject: string, value: Json) => string | Promise<string>
  /** The same for what came back: over its JSON text, as it is. */
  readonly digestOfResult: (subject: string, result: JsonObject) => string | Promise<string>
  /** What goes in, whose digest is known by now; undefined where it is not kept. */
  readonly asked: (by: CarriedBy, value: Json) => Carry | Promise<Carry> | undefined
  /**
   * What came back, as it goes to the client. Its digest is over its JSON text. Undefined where the key
   * that the call was opened under is gone: its subject was erased meanwhile (AU-118).
   */
  readonly answered: (by: CarriedBy, result: JsonObject) => Carried | Promise<Carried | undefined>
}

type Carry = Pick<Carried, 'fate' | 'payload'>

/** What is kept, for how long, and how much of it. */
export interface PayloadSettings {
  readonly arguments: boolean
  readonly results: boolean
  /** 0 keeps none of that class. */
  readonly retentionMs: Readonly<Record<Effect, number>>
  /** The largest that is kept. */
  readonly bytesMax: number
  /** All of them together. */
  readonly totalBytesMax: number
}

/** How much there is; counted where payloads come and go. */
export interface Fill {
  bytes: number
}

export interface PayloadRooms {
  readonly world: World
  readonly keys: Pick<SubjectKeys, 'known' | 'of' | 'find'>
  readonly settings: PayloadSettings
  readonly fill: Fill
}

/** Nothing is kept, and digests are plain. */
export const noPayloads: Payloads = {
  digest: (_subject, value) => digestOf(canonical(value)),
  digestOfResult: (_subject, result) => digestOf(JSON.stringify(result)),
  asked: () => undefined,
  answered: (_by, result) => ({ digest: digestOf(JSON.stringify(result)) }),
}

/** `hmac-sha256:` and 64 hex digits: whoever has salt and text finds the same. */
const saltedDigest = ({ digest }: Pick<SubjectKey, 'digest'>, text: string): string =>
  `hmac-sha256:${digest(text)}`

/** Salted digests, and what is kept beside them. */
export function makePayloads(rooms: PayloadRooms): Payloads {
  const { keys, settings } = rooms
  const keeps = (part: PayloadPart, effect: Effect): boolean =>
    (part === 'arguments' ? settings.arguments : settings.results) &&
    settings.retentionMs[effect] > 0
  const under = <Value>(
    subject: string,
    then: (key: SubjectKey) => Value,
  ): Value | Promise<Value> => {
    const key = keys.known(subject)
    return key ? then(key) : keys.of(subject).then(then)
  }
  return {
    digest: (subject, value) => {
      const text = canonical(value)
      return under(subject, (key) => saltedDigest(key, text))
    },
    digestOfResult: (subject, result) => {
      const text = JSON.stringify(result)
      return under(subject, (key) => saltedDigest(key, text))
    },
    asked: (by, value) => {
      if (!keeps('arguments', by.effect)) return undefined
      const text = canonical(value)
      return under(by.subject, (key) => carry(rooms, by, { part: 'arguments', key, text }))
    },
    answered: (by, result) => {
      const text = JSON.stringify(result)
      const told = (key: SubjectKey): Carried => {
        const digest = saltedDigest(key, text)
        if (!keeps('result', by.effect)) return { digest }
        return { digest, ...carry(rooms, by, { part: 'result', key, text }) }
      }
      const key = keys.known(by.subject)
      // Never a new key: that would keep what was under way of somebody who is to be forgotten.
      return key ? told(key) : keys.find(by.subject).then((found) => found && told(found))
    },
  }
}

interface Text {
  readonly part: PayloadPart
  readonly key: SubjectKey
  readonly text: string
}

function carry(
  { world, settings, fill }: PayloadRooms,
  { call, effect }: CarriedBy,
  { part, key, text }: Text,
): Carry {
  const bytes = Buffer.byteLength(text) + SEAL_BYTES
  if (bytes > settings.bytesMax) return { fate: 'too-large' }
  if (fill.bytes + bytes > settings.totalBytesMax) return { fate: 'full' }
  fill.bytes += bytes
  const place: PayloadPlace = { call, part }
  const sealed = sealPayload(world, key, place, text)
  const until = world.now() + settings.retentionMs[effect]
  return { fate: 'kept', payload: { ...place, key: key.id, until, sealed } }
}
