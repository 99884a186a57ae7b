/** policy: whether they may, and whom to ask when unsure. */
export { permitAll } from './decide.ts'
export type { Decision, Judged, Policy } from './decide.ts'
