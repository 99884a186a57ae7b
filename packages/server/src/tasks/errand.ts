import type { ClientCapabilities, Effect, JsonObject } from '@countersign/contract'
import type { Asking } from '#approvals'
import type { Principal } from '#auth'
import type { Followup } from '#registry'
import type { TraceContext } from '#telemetry'

/** What a call has to know of its client after the client has gone. */
export interface ClientFacts {
  readonly label: string
  readonly owner: string
  readonly capabilities: ClientCapabilities
  readonly clientInfo: JsonObject | undefined
}

/** A governed tool call as it is written down: all that is needed to do it, and nothing secret. */
export interface Errand {
  /** Its id in the ledger. */
  readonly call: string
  readonly principal: Principal
  readonly view: string
  /** The name the client called, and its parameters. */
  readonly params: JsonObject
  readonly round: JsonObject
  readonly client: ClientFacts
  readonly server: string
  /** The server's own name of the tool. */
  readonly tool: string
  readonly effect: Effect
  readonly digest: string | undefined
  /** It had left for its server when it was written down. */
  readonly isUnderWay: boolean
  /** Whether the server is asked to make a task of it, where it may. */
  readonly wantsTask: boolean
  /** Calls that belong together and can be undone together. */
  readonly run: string | undefined
  /** Where it was asked from, in the shape of the gateway, which reads it again. */
  readonly whence?: {
    readonly address?: string | undefined
    readonly trace?: TraceContext | undefined
    readonly isPast?: boolean
  }
  /** What was found in it, by kind; what had to be is covered already. */
  readonly screened?: {
    readonly found: Readonly<Record<string, number>>
    readonly blocked: readonly string[]
    readonly done: 'block' | 'mask' | 'record'
  }
  /** What equal calls of one principal share. */
  readonly likeness: string
  readonly reconcile: Followup | undefined
  readonly compensate: Followup | undefined
  /** What has to be approved before it is sent, where that was known when it was written down. */
  readonly asking?: Asking | undefined
}
