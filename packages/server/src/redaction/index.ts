/** redaction: secrets and personal data, found and covered before anything is kept or sent on. */
export { noRedaction } from './redaction.ts'
export type { Redaction, Screened } from './redaction.ts'
