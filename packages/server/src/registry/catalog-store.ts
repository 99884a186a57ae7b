import type { Since } from '#auth'
import type { Introduction } from '#upstream'
import type { Listed } from './listed.ts'

/** What a server said when it was listed. */
export type News = Omit<Listed, 'version' | 'since'>

/** Since when scopes cover each tool of a server, and the epoch of the catalogue with that. */
export interface Covered {
  readonly since: ReadonlyMap<string, Since>
  readonly epoch: number
  /** Not stored: another node has another server under this name. */
  readonly isAside?: boolean
}

export interface Admitted extends Covered {
  /** Undefined when nothing is stored of the server with this fingerprint. */
  readonly stored: Partial<Omit<Listed, 'since'>> | undefined
  /** True when something was stored under this id, of a server with another fingerprint. */
  readonly isReplaced: boolean
}

/** Where stored definitions lie. */
export interface CatalogStore {
  /** What is stored of a server; of another one under its id nothing is left. */
  readonly admit: (server: string, fingerprint: string) => Promise<Admitted>
  /** What others stored meanwhile; undefined when it is of another server under this id. */
  readonly read: (server: string, fingerprint: string) => Promise<Admitted | undefined>
  readonly write: (server: string, fingerprint: string, news: News) => Promise<Covered>
  readonly introduce: (server: string, introduction: Introduction) => Promise<void>
}
