import { canonical, type Json } from '@countersign/contract'
import { digestOf } from '#base'

/** What calls carried, kept apart from their entries. */
export interface Payloads {
  /**
   * What stands for a value in entries and approvals: equal for equal values of one subject, and
   * nothing to guess back from once the subject is erased. @throws what `canonical` throws.
   */
  readonly digest: (subject: string, value: Json) => string | Promise<string>
}

/** Nothing is kept, and digests are plain. */
export const noPayloads: Payloads = { digest: (_subject, value) => digestOf(canonical(value)) }
