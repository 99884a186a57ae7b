import type { Secret } from '#base'
import { isSigned } from './signing.ts'

/** A program outside that says what people answered, and signs for it. */
export interface DeciderSpec {
  readonly name: string
  readonly secrets: readonly Secret[]
  /** The ids of principals, by what somebody is called there. */
  readonly people: ReadonlyMap<string, string>
  /** The one group that people may speak for there. */
  readonly as: string | undefined
}

/** Who signed exactly this, within five minutes of now; undefined for nobody we know. */
export const whoSigned = (
  deciders: readonly DeciderSpec[],
  body: string,
  headers: Readonly<Record<string, string>>,
): DeciderSpec | undefined => deciders.find(({ secrets }) => isSigned(secrets, body, headers))
