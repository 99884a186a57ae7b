/** console: a window on the admin API; knows nothing the API does not say. */
export { page } from './page.ts'
export type { Seen } from './page.ts'
