/** What is asked about the ledger itself: exports, proofs, keys, and who keeps its checkpoints. */
import { z } from 'zod'

const Json = z.record(z.string(), z.json())

/** Everything it takes to check it without us, but the key. */
const Receipt = z.object({
  receipt: z.literal('countersign-receipt/1'),
  call: z.string(),
  entries: z.array(
    z.object({
      entry: z.object({ at: z.int(), kind: z.string(), call: z.string().optional(), body: Json }),
      /** Its place in the tree, from 0. */
      index: z.int(),
      leaf: z.string(),
      /** Absent until a checkpoint covers it: within a second. */
      proof: z
        .object({ size: z.int(), path: z.array(z.string()), checkpoint: z.string() })
        .optional(),
    }),
  ),
  /** How each key of the ledger took over from the one before; absent while there was but one. */
  handovers: z.array(z.string()).optional(),
})

const LedgerKey = z.object({
  origin: z.string(),
  key: z.string(),
  checkpoint: z.string().optional(),
  /** As in a receipt. */
  handovers: z.array(z.string()).optional(),
})

/** Somebody outside who keeps the checkpoints, and how far they have got. */
export const WitnessLine = z.object({
  witness: z.string(),
  kind: z.enum(['file', 'webhook', 'witness']),
  /** How many entries they have seen; 0 before the first checkpoint. */
  size: z.int(),
  /** How many there are that no checkpoint they have seen covers. */
  behind: z.int(),
  /** When they took the last one, in milliseconds since the epoch. */
  at: z.int().optional(),
  /** Since then it did not work, for so many times. */
  failures: z.int(),
  problem: z.string().optional(),
  /** The checkpoint they took last, with their own signature where they gave one. */
  checkpoint: z.string().optional(),
})
export type WitnessLine = z.output<typeof WitnessLine>

const Call = z.string().min(1).max(200)

export const LEDGER_OPERATIONS = {
  /** A page of the export that `countersign verify` reads, from an entry counted from 0. */
  exportLedger: {
    method: 'GET',
    path: '/admin/ledger',
    input: z.strictObject({
      from: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(1_000).default(500),
    }),
    output: z.object({ lines: z.array(z.string()), next: z.int().optional() }),
  },
  /** What an auditor needs once: whose signature to expect, and what was signed last. */
  getLedgerKey: {
    method: 'GET',
    path: '/admin/ledger/key',
    input: z.strictObject({}),
    output: LedgerKey,
  },
  /** Another key signs from the next checkpoint on; the one of now signs for that. */
  rotateLedgerKey: {
    method: 'POST',
    path: '/admin/ledger/key/rotate',
    input: z.strictObject({}),
    output: z.object({ origin: z.string(), key: z.string(), before: z.string().optional() }),
  },
  /** Who keeps the checkpoints elsewhere. */
  listWitnesses: {
    method: 'GET',
    path: '/admin/ledger/witnesses',
    input: z.strictObject({}),
    output: z.array(WitnessLine),
  },
  /** The entries of one call, each with the proof that it is in the ledger. */
  getReceipt: {
    method: 'GET',
    path: '/admin/receipt',
    input: z.strictObject({ call: Call }),
    output: Receipt,
  },
} as const
