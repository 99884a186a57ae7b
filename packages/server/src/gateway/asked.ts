import type { JsonObject } from '@countersign/contract'
import type { Using } from '#approvals'
import type { View } from '#registry'
import type { TraceContext } from '#telemetry'
import type { Exchange, Outgoing } from '#upstream'

/** A request that reaches a server and is therefore governed. */
export type CallMethod = Outgoing['method']

const CALL_METHODS: readonly string[] = [
  'tools/call',
  'resources/read',
  'prompts/get',
  'completion/complete',
] satisfies readonly CallMethod[]
export const isCallMethod = (method: string): method is CallMethod => CALL_METHODS.includes(method)

/** One governed call, as it was asked: read once, in one shape for both protocol eras. */
export interface Asked {
  /** The call's id in the ledger; all rounds of a conversation share it. */
  readonly call: string
  readonly view: View
  readonly method: CallMethod
  /** The client's own parameters, free of everything reserved for its hop. */
  readonly params: JsonObject
  readonly round: Round
  /** Whether the server is asked to make a task of it, where it may (TL-004). */
  readonly wantsTask?: boolean
  /** The run that the request names, or the trace it is part of. */
  readonly run?: string | undefined
  readonly whence?: Whence
  /** What was found in its arguments, which are covered already where they have to be. */
  readonly screened?: ScreenedIn | undefined
}

/** What was found in a call, by kind; what is blocked is told to its agent and sent nowhere. */
interface ScreenedIn {
  readonly found: Readonly<Record<string, number>>
  readonly blocked: readonly string[]
  readonly done: 'block' | 'mask' | 'record'
}

/** Where a call comes from, as far as its request shows. */
export interface Whence {
  /** The network address of the client; absent over stdio. */
  readonly address?: string | undefined
  readonly trace?: TraceContext | undefined
  /** The request that it comes from is over: its trace is linked to, not stretched. */
  readonly isPast?: boolean
}

/** Where a conversation of several requests stands (MRTR). The first request is round 1. */
export interface Round {
  readonly number: number
  readonly inputResponses?: JsonObject
  readonly requestState?: string
}

/** How questions reach a client; a call that becomes a task changes from the second to the first. */
export type Questioning = 'live' | 'rounds'

/** The client's side of one call: what the upstream may say and ask, and how questions are carried. */
export interface Client extends Exchange {
  /** What the ledger calls this client: a label, never a reason to trust it (V-048). */
  readonly label: string
  /**
   * `live` asks on the open stream, so a modern server's rounds are played by us; `rounds` lets them
   * return to the client, which comes back with the answers.
   */
  readonly questions: () => Questioning
  /** Awaited right before the request leaves for the server: a task writes down that it did. */
  readonly leaving?: () => Promise<void>
  /** The approval that it goes out with, if that still fits when it is judged. */
  readonly using?: Using
}
