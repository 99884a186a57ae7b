import type { Effect } from '@countersign/contract'

/** What the house tells its authorization server about what tokens are for. */
export interface Protected {
  /** The resource with this canonical URL, or undefined when it is none of ours. */
  readonly at: (url: string) => ProtectedResource | undefined
  readonly all: () => readonly ProtectedResource[]
}

/** One view, as an audience of tokens. */
export interface ProtectedResource {
  readonly url: string
  /** '' is the view of all servers. */
  readonly view: string
  readonly name: string
  /** Every scope that means something there. */
  readonly scopes: () => readonly string[]
  /**
   * Resolves once its servers have been listed, or did not tell in a few seconds: nobody should agree
   * to a class of tools before there is anything in it.
   */
  readonly ready: () => Promise<void>
  /** Which tools a scope opens, for whoever is asked to consent. */
  readonly opens: (scope: string) => readonly OpenedTool[]
  /** The catalogue's epoch now: class scopes given now cover the tools of now. */
  readonly epoch: () => number
}

export interface OpenedTool {
  readonly server: string
  /** The server's own name of it. */
  readonly tool: string
  readonly title: string | undefined
  readonly effect: Effect
}
