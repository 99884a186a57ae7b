/** upstream: the back door; how a call reaches a server, isolated, and with which credential. */
export type * from './upstream.ts'
export { makeFleet } from './fleet.ts'
export type { Fleet } from './fleet.ts'
export { makeUpstream } from './make-upstream.ts'
export type { UpstreamRooms } from './make-upstream.ts'
export { startKeeper } from './keeper.ts'
export type { Keeper } from './keeper.ts'
