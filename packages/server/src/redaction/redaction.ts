import type { JsonObject } from '@countersign/contract'

/** What was found in one value, and the value with what must not go on covered. */
export interface Screened {
  /** The same object when nothing was covered. */
  readonly value: JsonObject
  /** The kinds that were found, each once, sorted: `secret/github-token`, `personal/email`. */
  readonly found: readonly string[]
  /** Kinds among them for which it must not go on at all. */
  readonly blocked: readonly string[]
}

/** Looks at what goes to a server and at what comes back from it. */
export interface Redaction {
  /** The arguments of a call, before they are judged, kept or sent. */
  readonly inward: (about: Screening, value: JsonObject) => Screened
  /** The result of a call, before it is kept or answered. */
  readonly outward: (about: Screening, value: JsonObject) => Screened
}

export interface Screening {
  readonly server: string
  /** The server's own name of the tool, prompt or resource. */
  readonly name: string
}

const untouched = (_about: Screening, value: JsonObject): Screened => ({
  value,
  found: [],
  blocked: [],
})

/** Where nothing is configured to be looked for. */
export const noRedaction: Redaction = { inward: untouched, outward: untouched }
