import type { JsonObject } from '@countersign/contract'

/** What was found in one value, and the value with what must not go on covered. */
export interface Screened {
  /** The same object when nothing was covered. */
  readonly value: JsonObject
  /** How often each kind was found: `secret/github`, `personal/email`; `unseen` for what was too much. */
  readonly found: Readonly<Record<string, number>>
  /** Kinds among them for which it must not go on at all, sorted. What is blocked is covered too. */
  readonly blocked: readonly string[]
  /** The most that was done. */
  readonly done: 'block' | 'mask' | 'record'
}

/** Looks at what goes to a server and at what comes back from it. */
export interface Redaction {
  /** Whether anything is looked for at all. */
  readonly isOn: boolean
  /** What goes in, before it is judged, kept or sent. */
  readonly inward: (about: Screening, value: JsonObject) => Screened
  /** What comes out, before it is kept or answered. */
  readonly outward: (about: Screening, value: JsonObject) => Screened
}

export interface Screening {
  readonly server: string
  /** The server's own name of the tool, prompt or resource; undefined for what belongs to no call. */
  readonly name: string | undefined
}

const untouched = (_about: Screening, value: JsonObject): Screened => ({
  value,
  found: {},
  blocked: [],
  done: 'record',
})

/** Where nothing is configured to be looked for. */
export const noRedaction: Redaction = { isOn: false, inward: untouched, outward: untouched }
