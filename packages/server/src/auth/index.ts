/** auth: who is asking: resource server and embedded authorization server. */
export { localAuthenticator } from './authenticate.ts'
export type { Authenticate, Knock } from './authenticate.ts'
export { callerAt, isNetwork } from './caller-at.ts'
export { custodyOf } from './custody.ts'
export type { AuthorizationServer } from './embedded/authorization-server.ts'
export { makeClientDesk } from './embedded/client-desk.ts'
export type { ClientDesk } from './embedded/client-desk.ts'
export type { MachineAccess, RegisteredClient } from './embedded/clients.ts'
export type { OpenedTool, Protected, ProtectedResource } from './embedded/protected.ts'
export type { AuthorizationRooms, Extension, GrantHelpers } from './embedded/rooms.ts'
export { isOauthPath } from './embedded/serve-provider.ts'
export type { Interactions, Pages, People, ProblemPage } from './embedded/signed-in.ts'
export type {
  Delegation,
  EmbeddedSettings,
  IdentityProvider,
  SignInProvider,
  WorkloadIssuer,
} from './embedded/settings.ts'
export { obtainToken } from './grants/obtain-token.ts'
export type { Proof } from './grants/obtain-token.ts'
export { ownKey } from './grants/own-key.ts'
export type { OwnKey } from './grants/own-key.ts'
export { discover } from './discover.ts'
export { lookAtToken, refusalOf } from './look-at-token.ts'
export { makeGuard } from './guard.ts'
export type { Guard } from './guard.ts'
export { asAskedOf, METADATA_PATH, resourceMetadata } from './metadata.ts'
export { html, type Html } from './pages/html.ts'
export { makePages } from './pages/pages.ts'
export type { Pages as PageDesk } from './pages/pages.ts'
export { PageRefusal } from './pages/refusal.ts'
export { localSignIns } from './people/local-sign-ins.ts'
export { openPeople } from './people/people.ts'
export type { OpenPeople } from './people/people.ts'
export type { Person, SignIns } from './people/person.ts'
export { makeUsers } from './people/users.ts'
export type { User, UserLink, Users } from './people/users.ts'
export { LOCAL, type Principal, type TokenPrincipal } from './principal.ts'
export { openRevocations } from './revocations.ts'
export type { Issued, Revocations, Revoked } from './revocations.ts'
export { makeSafeFetch, Unfetched } from './safe-fetch.ts'
export type { Resolve, SafeFetch } from './safe-fetch.ts'
export {
  classesOf,
  covers,
  DISCOVER,
  isOfServers,
  mayDiscover,
  reach,
  requiredScopes,
  toolScope,
} from './scopes.ts'
export type { ScopeEpochs, Since, Wanted } from './scopes.ts'
export { ALGORITHMS, authExtensions } from './settings.ts'
export type { AuthSettings, IssuerSettings, Reach } from './settings.ts'
export { AUTH_TABLES } from './spent-proofs.ts'
