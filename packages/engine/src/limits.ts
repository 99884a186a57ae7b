/** What one task, and one owner, may use. Bytes are of JSON text in UTF-8. */
export interface Limits {
  readonly inputBytesMax: number
  /** Of a result, and of every other recorded value. */
  readonly valueBytesMax: number
  readonly journalBytesMax: number
  /** Tasks of one owner that are not final. */
  readonly ownerOpenMax: number
  /** Signals of one task that wait for delivery. */
  readonly inboxMax: number
  readonly ttlMsMax: number
  readonly ttlMs: number
  readonly pollMs: number
  /** How long a task that expired, or was settled, can still be read. */
  readonly graceMs: number
}

const DAY_MS = 86_400_000

/** Generous for one machine, small enough that nobody fills a disk by mistake. */
export const DEFAULT_LIMITS: Limits = {
  inputBytesMax: 1_048_576,
  valueBytesMax: 4_194_304,
  journalBytesMax: 33_554_432,
  ownerOpenMax: 1_000,
  inboxMax: 1_000,
  ttlMsMax: 7 * DAY_MS,
  ttlMs: DAY_MS,
  pollMs: 1_000,
  graceMs: 3_600_000,
}
