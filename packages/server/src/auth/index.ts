/** auth: who is asking: resource server and embedded authorization server. */
export { localAuthenticator } from './authenticate.ts'
export type { Authenticate, Knock } from './authenticate.ts'
export { custodyOf } from './custody.ts'
export { makeGuard } from './guard.ts'
export type { Guard } from './guard.ts'
export { METADATA_PATH, resourceMetadata } from './metadata.ts'
export type { Principal, TokenPrincipal } from './principal.ts'
export type { Resolve } from './safe-fetch.ts'
export {
  covers,
  DISCOVER,
  isOfServers,
  mayDiscover,
  reach,
  requiredScopes,
  toolScope,
} from './scopes.ts'
export type { Wanted } from './scopes.ts'
export { ALGORITHMS } from './settings.ts'
export type { AuthSettings, IssuerSettings } from './settings.ts'
export { AUTH_TABLES } from './spent-proofs.ts'
