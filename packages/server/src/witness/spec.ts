import type { NoteKey } from '@countersign/contract/ledger/index'
import type { Reach } from '#auth'
import type { Secret } from '#base'

interface Addressed {
  readonly name: string
  readonly url: string
  /** How far its address may lead. */
  readonly reach: Reach
}

/** Who keeps our checkpoints, where we cannot reach them any more. */
export type WitnessSpec =
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  | ({ readonly kind: 'webhook'; readonly secrets: readonly Secret[] } & Addressed)
  /** Another Countersign, or any witness that speaks C2SP tlog-witness. */
  | ({ readonly kind: 'witness'; readonly token: Secret | undefined } & Addressed)

/** A ledger whose checkpoints we keep: known by its key, or by a token the first time it is shown. */
export interface WatchedSpec {
  readonly key: NoteKey | undefined
  readonly token: Secret | undefined
}
