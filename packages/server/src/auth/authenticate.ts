import { LOCAL, type Principal } from './principal.ts'

/** The head of a request: all that is known when it is decided who asks. */
export interface Knock {
  readonly method: string
  /** The address the client used, as our public origin and the path and query it sent. */
  readonly url: string
  /** The canonical URL of what is asked for: the audience of its tokens (RFC 8707 §2). */
  readonly resource: string
  /** Every header of that name, as sent: two of one kind are not one. */
  readonly authorization: readonly string[]
  readonly dpop: readonly string[]
}

/**
 * Finds out who is asking, before any byte of the body is read and on every request alike; a token
 * that was seen before costs no more than a digest. Rejects with an `auth/…` fault.
 */
export type Authenticate = (knock: Knock) => Principal | Promise<Principal>

/**
 * Local mode: on loopback with nothing configured, the person at the keyboard is the principal. What
 * keeps others out is the address we listen on and the Host and Origin checks at the front door.
 */
export const localAuthenticator = (_nothing?: unknown): Principal => LOCAL
