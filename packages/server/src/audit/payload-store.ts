import type { PayloadPlace } from './payload-box.ts'

/** What a call carried, sealed, as it is written with the entry of the call. */
export interface Payload extends PayloadPlace {
  /** The id of the subject's key that it is sealed under. */
  readonly key: string
  /** Milliseconds since the epoch: from then on it is gone. */
  readonly until: number
  readonly sealed: Uint8Array
}

/** How much was taken out. */
export interface Dropped {
  readonly count: number
  readonly bytes: number
}

/** Where payloads lie. They are written by the pen of the ledger, in the commit of their entry. */
export interface PayloadStore {
  /** Of a call and its later rounds. */
  readonly of: (call: string) => Promise<readonly Payload[]>
  /** How many are sealed under a key. */
  readonly countOf: (key: string) => Promise<number>
  readonly bytes: () => Promise<number>
  /** Takes out at most `limit` of those under a key. */
  readonly drop: (key: string, limit: number) => Promise<Dropped>
  /** Takes out at most `limit` of those whose time is over. */
  readonly sweep: (now: number, limit: number) => Promise<Dropped>
}
