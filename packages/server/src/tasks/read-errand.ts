import type { Json } from '@countersign/contract'
import type { Errand } from './errand.ts'

/** The input of a task of ours: only this room writes them, so what is read is what was written. */
export const readErrand = (input: Json): Errand =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  input as unknown as Errand
