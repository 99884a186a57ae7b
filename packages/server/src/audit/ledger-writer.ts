import { Fault, type Effect } from '@countersign/contract'
import { InDoubt } from './in-doubt.ts'
import type { LedgerStore, LedgerWrite } from './ledger-store.ts'

export type ReadsPolicy = 'batched' | 'ahead'

/** How long an entry about a read may wait for company before it is written. */
const BEHIND_MS = 20

/** Writes ahead or behind, as the effect class and the policy for reads ask. */
export interface LedgerWriter {
  /** What comes before an effect. Rejected, it does not stand, or is followed by `undo`. */
  readonly before: (write: LedgerWrite, effect: Effect, undo: LedgerWrite) => Promise<void>
  /** What has happened. Never rejects: what cannot be written now is owed. */
  readonly after: (write: LedgerWrite, effect?: Effect) => Promise<void>
  /** How much is owed. */
  readonly owed: () => number
}

/**
 * What could not be written is owed: it goes before the next entry, and until it is paid every entry
 * is written ahead, so a ledger that cannot be written stops calls instead of losing them (ND-004).
 */
export function makeWriter(store: LedgerStore, reads: ReadsPolicy, grew: () => void): LedgerWriter {
  let owed: readonly LedgerWrite[] = []
  const ahead = async (write: LedgerWrite, isOwed: boolean, undo?: LedgerWrite): Promise<void> => {
    grew()
    const paying = owed
    owed = []
    try {
      await store.commit((pen) => {
        for (const debt of paying) debt(pen)
        write(pen)
      })
    } catch (cause) {
      onceKnown(cause, (stood) => {
        if (!stood) owed = [...paying, ...(isOwed ? [write] : []), ...owed]
        else if (undo) owed = [...owed, undo]
      })
      throw unavailable(cause)
    }
  }
  const behind = (write: LedgerWrite): void => {
    grew()
    store.commit(write, BEHIND_MS).catch((cause: unknown) => {
      onceKnown(cause, (stood) => {
        if (!stood) owed = [...owed, write]
      })
    })
  }
  const isBehind = (effect: Effect | undefined): boolean =>
    effect === 'read' && reads === 'batched' && owed.length === 0
  return {
    before: async (write, effect, undo) => {
      if (isBehind(effect)) behind(write)
      else await ahead(write, false, undo)
    },
    after: async (write, effect) => {
      if (isBehind(effect)) behind(write)
      else await ahead(write, true).catch(() => undefined)
    },
    owed: () => owed.length,
  }
}

/** Calls `then` with whether a failed write stands after all: at once where the store knows. */
function onceKnown(cause: unknown, then: (stood: boolean) => void): void {
  if (cause instanceof InDoubt) void cause.stood.then(then)
  else then(false)
}

const unavailable = (cause: unknown): Fault =>
  new Fault(
    'ledger/unavailable',
    'Nothing was executed: the ledger cannot be written at the moment. Try again later; the operator sees why.',
    { cause },
  )
