/** tasks: calls not yet answered: the engine, fed with governed calls. */
export { Conversation } from './conversation.ts'
export type { Turn } from './conversation.ts'
export { makeParking } from './parking.ts'
export type { Parked, Parking } from './parking.ts'
export { makeReplays } from './replays.ts'
export type { Replays } from './replays.ts'
