/** Part of a text that is of some kind. */
export interface Finding {
  /** Such as `secret/github`. */
  readonly kind: string
  readonly start: number
  readonly end: number
}

/** Finds all of one family in a text. */
export type Detector = (text: string) => readonly Finding[]
