/** redaction: secrets and personal data, found and covered before anything is kept or sent on. */
export { openRedaction } from './open-redaction.ts'
export { noRedaction } from './redaction.ts'
export type { Redaction, Screened, Screening } from './redaction.ts'
export { FAMILIES, MODES } from './settings.ts'
export type { Directions, Family, Mode, Modes, RedactionSettings, SomeModes } from './settings.ts'
