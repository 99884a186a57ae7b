import { canonical } from '@countersign/contract'

/** How a call ended whose process was gone: nobody knows. */
export const CRASHED: string = canonical({ outcome: 'unknown', reason: 'crash', durationMs: 0 })
