/** witness: checkpoints, shown to those who keep them; and kept, of those who show us theirs. */
export { openWitnesses } from './witnesses.ts'
export type { Witnesses } from './witnesses.ts'
export { openWitnessing } from './witnessing.ts'
export type { Witnessing } from './witnessing.ts'
export type { Answer } from './judge.ts'
export { KEY_HEADER } from './request.ts'
export type { WatchedSpec, WitnessSpec } from './spec.ts'
