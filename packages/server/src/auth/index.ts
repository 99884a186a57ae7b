/** auth: who is asking: resource server and embedded authorization server. */
export { localAuthenticator } from './authenticate.ts'
export type { Authenticate } from './authenticate.ts'
export type { Principal } from './principal.ts'
