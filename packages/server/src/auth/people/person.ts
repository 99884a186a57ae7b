import type { IncomingMessage, ServerResponse } from 'node:http'

/** Somebody in front of a browser, and how that was proved. */
export interface Person {
  /** The id of the principal that tokens of theirs have: what tasks and credentials are bound to. */
  readonly principal: string
  /** The account with us, where the embedded authorization server has one: `sub` of its tokens. */
  readonly account?: string
  /** For pages. */
  readonly name: string
  readonly means: 'local' | 'password' | 'passkey' | 'provider'
  /** When they last proved it, in milliseconds since the epoch. */
  readonly provedAt: number
}

/** Who sits in front of the browser that asks for a page; in local mode whoever can connect. */
export interface SignIns {
  readonly personOf: (request: IncomingMessage) => Promise<Person | undefined>
  /**
   * Sends the browser to sign in and to come back to `path` (which starts with one slash). `freshMs`:
   * an older proof is not enough, and is asked for again.
   */
  readonly send: (
    response: ServerResponse,
    path: string,
    wanted?: { readonly freshMs: number },
  ) => void
}
