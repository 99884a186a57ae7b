import type { Effect, JsonObject } from '@countersign/contract'
import type { Ask } from '#policy'
import { asksJson } from './approval.ts'
import type { Bound } from './bound.ts'
import { boundsJson, type Bounds } from './grant-bounds.ts'

/**
 * `pending` waits for more of those who would be asked, `active` is good for calls; the rest are ends:
 * `used` up, `expired`, or `revoked` by somebody.
 */
export const GRANT_STATES = ['pending', 'active', 'used', 'expired', 'revoked'] as const
type GrantState = (typeof GRANT_STATES)[number]

/** What is said yes to: a tool, a server with all its tools, or every tool of a label. */
export type GrantedWhat =
  | { readonly server: string; readonly tool?: string | undefined }
  | { readonly label: string }

/** Somebody who would have been asked, and said yes in advance. */
export interface Maker {
  readonly by: string
  readonly groups: readonly string[]
  readonly means: string
  readonly at: number
}

/** What a tool was when it was said yes to, by `{server}/{tool}`. */
export type PinnedTools = Readonly<
  Record<string, { readonly definition: string; readonly effect: Effect }>
>

/** What a grant is pinned to, unless it goes on whatever changes. */
interface Pins {
  readonly policy: Bound['policy']
  readonly tools: PinnedTools
}

/** A yes in advance. Times are milliseconds since the epoch. */
export interface Grant {
  readonly id: string
  readonly state: GrantState
  /** Who answers for it: the id of a principal. */
  readonly owner: string
  readonly principal: string
  /** Through this client alone; undefined: through any. */
  readonly client?: string
  /** Through exactly these programs; undefined: through the client alone, and nothing behind it. */
  readonly actors?: readonly string[]
  readonly what: GrantedWhat
  readonly bounds: Bounds
  readonly uses: number
  readonly left: number
  readonly from: number
  readonly until: number
  /** `mon-fri 08:00-18:00`, in the time zone of the policies. */
  readonly hours?: string
  /** Whose asks it answers, and how many of each would have had to. */
  readonly asks: readonly Ask[]
  readonly makers: readonly Maker[]
  readonly pins?: Pins
  /** The approval that it was made with. */
  readonly approval?: string
  readonly reason?: string
  readonly createdAt: number
  readonly endedAt?: number
  /** False until its end stands in the ledger. */
  readonly isNoted?: boolean
}

export const isLive = ({ state }: Pick<Grant, 'state'>): boolean =>
  state === 'pending' || state === 'active'

/** One for each approval, so that several people agree to the same one. */
export const grantIdOf = (approval: string): string => approval.replace(/^ap_/, 'gr_')

/** A grant as it is kept. */
export function grantRecord(grant: Grant): JsonObject {
  const { what, bounds, asks, makers, pins, actors, ...rest } = grant
  return {
    ...rest,
    ...(actors ? { actors: [...actors] } : {}),
    what: { ...what },
    bounds: boundsJson(bounds),
    asks: asksJson(asks),
    makers: makers.map((one) => ({ ...one, groups: [...one.groups] })),
    ...(pins ? { pins: { policy: { ...pins.policy }, tools: pinnedJson(pins.tools) } } : {}),
  }
}

const pinnedJson = (tools: PinnedTools): JsonObject =>
  Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, { ...tool }]))

/** Reads what `grantRecord` wrote: only this room writes them. */
export const grantIn = (value: JsonObject): Grant =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  value as unknown as Grant
