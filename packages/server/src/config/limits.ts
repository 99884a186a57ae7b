import { z } from 'zod'

const KIB = 1_024
const MIB = 1_048_576
const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

interface Bounds {
  readonly min: number
  readonly max: number
  readonly fallback: number
}

export const count = ({ min, max, fallback }: Bounds, reason: string) =>
  z.int().min(min).max(max).default(fallback).describe(reason)

/** Bytes as a whole number, or as text with its unit: `65536`, `64 KiB`, `4 MiB`. */
export const bytes = ({ min, max, fallback }: Bounds, reason: string) => {
  const range = `a size from ${sizeText(min)} to ${sizeText(max)}, such as 65536 or "4 MiB"`
  const text = z
    .string()
    .regex(/^\d{1,9} ?(?:B|KiB|MiB)$/)
    .transform(bytesOf)
    .refine((size) => size >= min && size <= max)
  return z
    .union([z.int().min(min).max(max), text], { error: `expected ${range}` })
    .default(fallback)
    .describe(`${reason} A whole number of bytes, or text with B, KiB or MiB.`)
}

function bytesOf(text: string): number {
  const number = Number.parseInt(text, 10)
  if (text.endsWith('KiB')) return number * KIB
  return text.endsWith('MiB') ? number * MIB : number
}

const UNIT_MS = { ms: 1, s: SECOND_MS, min: MINUTE_MS, h: HOUR_MS, d: 24 * HOUR_MS } as const
const DURATION = /^(\d{1,9}(?:\.\d{1,3})?) ?(ms|s|min|h|d)$/

/** Milliseconds of a text such as `500 ms`, `5 s`, `10 min`, `2 h`, `7 d`; undefined for another. */
function durationMs(text: string): number | undefined {
  const [, number, unit] = DURATION.exec(text) ?? []
  const unitMs = Object.entries(UNIT_MS).find(([name]) => name === unit)?.[1]
  return number === undefined || unitMs === undefined
    ? undefined
    : Math.round(Number(number) * unitMs)
}

export const durationText = (ms: number): string => {
  const fit = Object.entries(UNIT_MS).findLast(([, unitMs]) => ms >= unitMs && ms % unitMs === 0)
  return fit ? `${String(ms / fit[1])} ${fit[0]}` : `${String(ms)} ms`
}

/** A length of time as text with its unit, read as milliseconds. */
export const duration = ({ min, max }: Omit<Bounds, 'fallback'>) =>
  z
    .string({
      error: `expected a time from ${durationText(min)} to ${durationText(max)}, such as "5 s" or "10 min"`,
    })
    .regex(DURATION)
    .transform((text) => durationMs(text) ?? Number.NaN)
    .refine((ms) => ms >= min && ms <= max)

const sizeText = (size: number): string =>
  size >= MIB ? `${size / MIB} MiB` : size >= KIB ? `${size / KIB} KiB` : `${size} B`

/** Every bound has a reason: without one an unfriendly client or server decides what we use. */
export const limitsSchema = z
  .strictObject({
    bodyBytesMax: bytes(
      { min: KIB, max: 64 * MIB, fallback: 4 * MIB },
      'The largest request body. Arguments rarely exceed 1 MiB; files belong in resources.',
    ),
    headerBytesMax: bytes(
      { min: 8 * KIB, max: MIB, fallback: 64 * KIB },
      'All headers of one request. Tokens and Mcp-Param headers need more than the usual 16 KiB.',
    ),
    depthMax: count(
      { min: 16, max: 1_000, fallback: 128 },
      'How deeply JSON may be nested. Deeper input exhausts the stack of those who read it after us.',
    ),
    connectionsMax: count(
      { min: 1, max: 100_000, fallback: 4_096 },
      'Open connections. Stay below the file descriptors of the process, which servers need too.',
    ),
    requestsInFlightMax: count(
      { min: 1, max: 100_000, fallback: 1_024 },
      'Requests being answered at one time; the next ones are told to come back (429).',
    ),
    sessionsMax: count(
      { min: 1, max: 1_000_000, fallback: 10_000 },
      'Sessions of older clients kept in memory; each costs some kilobytes.',
    ),
    sessionIdleMs: count(
      { min: MINUTE_MS, max: 168 * HOUR_MS, fallback: 8 * HOUR_MS },
      'A session unused for this long is forgotten. A working day: clients rarely say goodbye.',
    ),
    streamsPerSessionMax: count(
      { min: 1, max: 1_000, fallback: 64 },
      'Open event streams of one session; each holds a connection.',
    ),
    listenMax: count(
      { min: 0, max: 100_000, fallback: 2_048 },
      'Open subscriptions/listen streams of all clients together; each holds a connection.',
    ),
    requestReadMs: count(
      { min: SECOND_MS, max: 10 * MINUTE_MS, fallback: 30 * SECOND_MS },
      'How long a request may take to arrive; slower senders hold a connection for nothing (408).',
    ),
    closeMs: count(
      { min: 0, max: 10 * MINUTE_MS, fallback: 10 * SECOND_MS },
      'How long running calls may take to end when we are told to stop.',
    ),
  })
  .prefault({})
  .describe('The most that clients may use of us.')

export type Limits = Readonly<z.output<typeof limitsSchema>>

export const BOUNDS = {
  callTimeoutMs: { min: SECOND_MS, max: 24 * HOUR_MS, fallback: 10 * MINUTE_MS },
  idleMs: { min: 0, max: 24 * HOUR_MS, fallback: 10 * MINUTE_MS },
  messageBytesMax: { min: KIB, max: 256 * MIB, fallback: 16 * MIB },
} as const satisfies Record<string, Bounds>
