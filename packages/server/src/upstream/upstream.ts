import type { Origin } from '#telemetry'
import type { ServerAuth } from '#vault'
import type {
  ClientCapabilities,
  Era,
  InputRequest,
  JsonObject,
  Kind,
  LogLevel,
  Revision,
  RpcError,
  TaskEnd,
  TaskStatus,
} from '@countersign/contract'

/** How one configured server is reached, and the bounds within which it is trusted to behave. */
export interface ServerSpec {
  readonly id: string
  readonly transport: Transport
  /** Skips the probe when the operator knows better (S-018). */
  readonly era: 'auto' | Era
  /** `eager` starts with us; `demand` starts with the first call or list. */
  readonly start: 'eager' | 'demand'
  /** The longest one call may take, whatever progress it makes. Waiting for a person is not counted. */
  readonly callTimeoutMs: number
  /** A process without calls or watchers for this long is stopped. 0 keeps it for ever. */
  readonly idleMs: number
  /** The largest message accepted from the server. */
  readonly messageBytesMax: number
  /** How we prove to it who calls, where it asks; undefined where headers or nothing will do. */
  readonly auth?: ServerAuth
}

export type Transport =
  | { readonly kind: 'stdio'; readonly process: ProcessSpec }
  /** `process` is a server that we start ourselves and then reach over HTTP. */
  | {
      readonly kind: 'http'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      readonly process?: ProcessSpec
    }
  /** HTTP+SSE of 2024-11-05, named outright; `http` falls back to it by itself (H-088). */
  | {
      readonly kind: 'sse'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
    }

export interface ProcessSpec {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** One governed request on its way to a server. Reserved `_meta` has been removed already (V-046). */
export interface Outgoing {
  readonly method: 'tools/call' | 'resources/read' | 'prompts/get' | 'completion/complete'
  readonly params: JsonObject
  /** Plain values by `Mcp-Param-*` header, from the upstream's own schema (F-022); encoded on the way. */
  readonly paramHeaders?: Readonly<Record<string, string>>
  /** The second and later rounds of a modern upstream's question (MRTR). */
  readonly inputResponses?: JsonObject
  /** Byte-exact what the upstream sent; absent stays absent, empty stays empty (I-006). */
  readonly requestState?: string
  /**
   * Asks a 2025-11-25 server that can to make a task of this `tools/call`; ignored otherwise (TL-003).
   * Only for a tool whose definition allows or demands it (TL-004): v1 servers run any other one, and
   * then fail to answer.
   */
  readonly task?: { readonly ttlMs: number }
}

/** A server's own task, named in the words of the era that the server speaks now. */
export interface UpstreamTask {
  readonly id: string
  /** How it is followed: legacy by `see` and `result`, modern by `see` and `update`. */
  readonly era: Era
  /** How often the server would like to be asked; undefined when it did not say. */
  readonly pollMs: number | undefined
  readonly message: string | undefined
}

/**
 * What a server's task looks like at one moment. `end` is absent while it runs, and for legacy
 * servers also when it is completed or failed: fetch it with `result`.
 */
export interface UpstreamTaskSeen extends UpstreamTask {
  readonly status: TaskStatus
  /** What a modern server asks, by keys it never reuses (TX-015), within what the exchange declares. */
  readonly inputs: Readonly<Record<string, InputRequest>>
  readonly end: TaskEnd | undefined
}

/**
 * The tasks that a server keeps. An id is looked up in whatever era the server speaks now; one that
 * it does not know there is gone. Everything but a wrong id rejects as `call` does, and may be
 * asked again.
 */
export interface UpstreamTasks {
  /** One look. Undefined when the server does not know it, or not any more. */
  readonly see: (id: string, exchange: Exchange) => Promise<UpstreamTaskSeen | undefined>
  /**
   * Legacy only: waits for the result, until `exchange.signal` or a generous limit ends it. The
   * server's questions come through `exchange.ask`. The error of a task that is gone is an answer too.
   */
  readonly result: (id: string, exchange: Exchange) => Promise<Reply>
  /** Modern only: hands in answers by key. Rejects with upstream/broken when they are not taken. */
  readonly update: (id: string, inputResponses: JsonObject, exchange: Exchange) => Promise<void>
  /** Asks it to stop; a server that says that it is over, or does not know it, is fine. */
  readonly cancel: (id: string, exchange: Exchange) => Promise<void>
}

/**
 * What the server said in the end. `input` is a modern server's `input_required`; a legacy server
 * asks through `Exchange.ask` while the call is open.
 */
export type Reply =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError }
  | {
      readonly kind: 'input'
      readonly inputRequests: Readonly<Record<string, InputRequest>>
      readonly requestState: string | undefined
    }
  /** A modern HTTP server says that the mirrored arguments do not fit; nothing was executed (F-025). */
  | { readonly kind: 'mismatch' }
  /** The server goes on with it as a task of its own: follow it with `Upstream.tasks`. */
  | { readonly kind: 'task'; readonly task: UpstreamTask }

/** The client's answer to one question. A refusal is a result; an error means nobody could be asked. */
export type InputAnswer =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError }

/** What one call may say to, and ask of, the client that made it, while it runs. */
export interface Exchange {
  /**
   * Whose conversation this is. A server request that carries no link to a call (legacy stdio) is
   * delivered only when every call it could belong to has the same owner (S-022, BR-031).
   */
  readonly owner: string
  /** What this client can be asked. Sent as it is to a modern server; never more, never less. */
  readonly capabilities: ClientCapabilities
  readonly clientInfo: JsonObject | undefined
  /** True when the caller can go on with a task: only then is a modern server told so (TX-003). */
  readonly takesTasks?: boolean
  /** True when the client gave a progress token: only then is progress asked of the server (P-004). */
  readonly wantsProgress: boolean
  /** The least severity this client wants to see; undefined means none at all (P-021). */
  readonly logLevel: LogLevel | undefined
  /**
   * Aborted when the client cancels. Then the server is told, and `call` rejects with
   * call/cancelled, or with call/abandoned when the request had left.
   */
  readonly signal: AbortSignal
  readonly progress: (params: JsonObject) => void
  readonly log: (params: JsonObject) => void
  /** Resolves with whatever the client answers. Never rejects; `signal` withdraws the question. */
  readonly ask: (request: InputRequest, signal: AbortSignal) => Promise<InputAnswer>
  /** The server asked for what this client did not declare, and was refused (I-004). */
  readonly undeclared: (missing: ClientCapabilities) => void
  /** The server hung up on purpose and goes on after `retryMs` (H-066): so may we. */
  readonly paused: (retryMs: number) => void
  /** A legacy URL elicitation is over (O11 only). */
  readonly elicitationComplete: (elicitationId: string) => void
  /** The call it is about, and the server's own name of the tool, where whoever asks knows. */
  readonly about?: { readonly call: string; readonly name: string | undefined } | undefined
  /** Told what is shown to the server, by the name the ledger has for it; never a token. */
  readonly showed?: ((credential: string) => void) | undefined
  /** What the request follows from, as a trace has it. */
  readonly origin?: Origin | undefined
  /** Called once, right before the request's first byte leaves for the server. */
  readonly dispatched: () => void
}

/** What the server said of itself when it was last connected. */
export interface Introduction {
  readonly era: Era
  readonly revision: Revision
  readonly capabilities: JsonObject
  readonly serverInfo: JsonObject
  readonly instructions: string | undefined
  /** When the era was found out, in milliseconds since the epoch. */
  readonly probedAt: number
}

export type UpstreamState = 'idle' | 'connecting' | 'ready' | 'backoff' | 'closed'

export interface UpstreamStatus {
  readonly state: UpstreamState
  readonly introduction: Introduction | undefined
  readonly pid: number | undefined
  readonly restarts: number
  readonly inFlight: number
  /** Why the last connection failed or ended, in words for the operator; no secrets. */
  readonly problem: string | undefined
  /** True when it could not be reached for want of a credential: somebody has to connect it. */
  readonly isUnconnected?: boolean
  /** The last lines the process wrote to standard error, oldest first. */
  readonly stderr: readonly string[]
}

/** One whole list of a server, all pages. */
export interface Listing {
  readonly items: readonly JsonObject[]
  /** How long the server says the list stays good; 0 from legacy servers (F-054). */
  readonly ttlMs: number
  /** What was wrong with it in words: duplicate keys, unsafe integers, a repeated cursor. */
  readonly problems: readonly string[]
}

/** What a server says outside any call. */
export type UpstreamEvent =
  | { readonly kind: 'list-changed'; readonly list: 'tools' | 'prompts' | 'resources' }
  | { readonly kind: 'resource-updated'; readonly uri: string }
  | { readonly kind: 'log'; readonly params: JsonObject }
  /** A task of its own may look different now. Not to be relied upon (TL-019). */
  | { readonly kind: 'task'; readonly id: string }
  | { readonly kind: 'state'; readonly status: UpstreamStatus }

/** What we want to hear from a server outside calls. The upstream keeps it true across reconnects. */
export interface Watch {
  readonly lists: boolean
  readonly resources: ReadonlySet<string>
  /** The lowest level any legacy session wants; applies to legacy servers only. */
  readonly logLevel: LogLevel | undefined
}

/** One server, reached in whatever era it speaks. Connects by itself when first used. */
export interface Upstream {
  readonly spec: ServerSpec
  readonly status: () => UpstreamStatus
  /** Connects if need be. Rejects with upstream/unavailable. */
  readonly introduce: (signal?: AbortSignal) => Promise<Introduction>
  /**
   * One attempt, one deadline. Rejects with upstream/unavailable when nothing left for the server,
   * with upstream/timeout, upstream/broken or upstream/too-large when something did, and with
   * call/cancelled or call/abandoned. A call is never sent twice.
   */
  readonly call: (outgoing: Outgoing, exchange: Exchange) => Promise<Reply>
  readonly list: (kind: Kind, signal?: AbortSignal) => Promise<Listing>
  readonly watch: (watch: Watch) => void
  readonly tasks: UpstreamTasks
  readonly close: () => Promise<void>
}
