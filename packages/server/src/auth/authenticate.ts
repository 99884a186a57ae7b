import type { Principal } from './principal.ts'

/** Finds out who is asking from the request's head alone: before any byte of the body is read. */
export type Authenticate = (authorization: string | undefined) => Principal

/**
 * Local mode: on loopback with nothing configured, the person at the keyboard is the principal. What
 * keeps others out is the address we listen on and the Host and Origin checks at the front door.
 */
export const localAuthenticator: Authenticate = () => LOCAL

const LOCAL: Principal = { id: 'local', proof: 'local' }
