import type { Person, Principal } from '#auth'

/** What somebody would connect: which server, for whom, and what its authorization server is asked for. */
export interface Connection {
  /** Opaque: stands in a URL that a client shows around (OC20). */
  readonly id: string
  readonly server: string
  /** Whose credential it becomes; undefined for the one of the service. */
  readonly principal: string | undefined
  /** The authorization server, once it was found. */
  readonly issuer: string | undefined
  readonly scopes: readonly string[]
}

/** A credential that is there from now on. */
export interface Connected {
  readonly id: string
  readonly server: string
  /** Undefined: the service's own. */
  readonly principal: string | undefined
}

/** How people let us act for them with servers behind us (OC19 to OC21). */
export interface Connecting {
  /**
   * One that is open for the same server and principal is used again while it is good for long
   * enough. Undefined where the credential is the house's own: only an operator connects that.
   */
  readonly begin: (
    server: string,
    who: Principal,
    wanted?: { readonly scopes: readonly string[] },
  ) => Promise<{ readonly id: string } | undefined>
  /** Undefined for whatever is unknown, over or expired. */
  readonly find: (id: string) => Promise<Connection | undefined>
  /**
   * Where the person's browser goes to agree. Rejects with `http/forbidden` unless it is the very
   * principal it was begun for; the state that comes back is made now and not before (AS25).
   */
  readonly authorize: (id: string, person: Person) => Promise<string>
  /**
   * What came back. Rejects with a fault whose message may be shown to anybody: nothing of the
   * callback's own words is in it unless its issuer was the right one (OC11, OC26).
   */
  readonly finish: (query: URLSearchParams, person: Person) => Promise<Connected>
  /** Calls `hear` after each `finish` of this process; returns the way to stop it. */
  readonly onConnected: (hear: (connected: Connected) => void) => () => void
}
