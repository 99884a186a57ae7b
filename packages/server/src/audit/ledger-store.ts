import type { Payload, PayloadStore } from './payload-store.ts'

/** A line as it is kept. `body` is canonical JSON (RFC 8785): it is what is hashed. */
export interface Line {
  /** From 1, without gaps. */
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly kind: string
  readonly call: string | null
  readonly body: string
}

/** A signed root over the first `size` lines, and the roots of the complete subtrees it is made of. */
export interface StoredCheckpoint {
  readonly size: number
  readonly at: number
  readonly note: string
  readonly peaks: Uint8Array
}

/** A run: its name is the principal's own. */
export interface RunName {
  readonly principal: string
  readonly run: string
}

/** What one write consists of. Nothing of it is there unless all of it is. */
export interface LedgerPen {
  /** Its number, where that is known at this moment. */
  readonly append: (
    at: number,
    kind: string,
    call: string | null,
    body: string,
  ) => number | undefined
  /** The call stands open: whoever finds it after a crash of this process closes it. */
  readonly begin: (call: string, server: string) => void
  readonly end: (call: string) => void
  /** Appends, as the end of a call, what is only true if the call still stands open. */
  readonly abandon: (at: number, kind: string, call: string, body: string) => void
  /** The call is part of a run. */
  readonly join: (run: RunName, call: string) => void
  /** What the call of an entry of this write carried. */
  readonly carry: (payload: Payload) => void
  /** A complete subtree of the tree: `place` counts those of its level from the left. */
  readonly keep: (level: number, place: number, hash: Uint8Array) => void
  readonly sign: (checkpoint: StoredCheckpoint) => void
}

/** Run at the moment of the commit, and perhaps again when that failed: it must not change anything else. */
export type LedgerWrite = (pen: LedgerPen) => void

/**
 * Where the ledger lives: one file of one process, or a database that many share. Lines of one write
 * stand next to each other, writes that one process hands in stand in that order, and what is read is
 * always the beginning of the ledger up to some line: nothing is ever put in before what was seen.
 */
export interface LedgerStore {
  /** What calls carried, which is written by the pen. */
  readonly payloads: PayloadStore
  /** Resolves once it is durable. `withinMs` lets it wait for company. */
  readonly commit: (write: LedgerWrite, withinMs?: number) => Promise<void>
  /** Resolves once all that this process handed in is durable, or has failed. */
  readonly settled: () => Promise<void>
  /** Lines after `seq`, oldest first. */
  readonly after: (seq: number, limit: number) => Promise<readonly Line[]>
  /** The newest lines, oldest first. */
  readonly newest: (limit: number) => Promise<readonly Line[]>
  /** Those of a call and its later rounds (`{call}.{number}-…`), oldest first. */
  readonly ofCall: (call: string, limit: number) => Promise<readonly Line[]>
  /** Ids of calls that begin so, without those of later rounds, in their order. */
  readonly named: (prefix: string, limit: number) => Promise<readonly string[]>
  /** The calls of a run, the first opened first. */
  readonly inRun: (run: RunName, limit: number) => Promise<readonly string[]>
  /** Calls that stand open though the process that opened them is gone. */
  readonly orphans: () => Promise<readonly string[]>
  readonly newestCheckpoint: () => Promise<StoredCheckpoint | undefined>
  /** The first checkpoint that covers the line with this number. */
  readonly covering: (seq: number) => Promise<StoredCheckpoint | undefined>
  /** Checkpoints of these sizes, smallest first. */
  readonly between: (from: number, to: number) => Promise<readonly StoredCheckpoint[]>
  /** Kept subtrees of one level, from the left. */
  readonly nodes: (level: number, from: number, count: number) => Promise<readonly Uint8Array[]>
}
