import { hash } from 'node:crypto'
import type { World } from './world.ts'

/** An id nobody can guess: a readable prefix and 128 random bits, in URL-safe characters. */
export const newId = (world: World, prefix: string): string =>
  `${prefix}_${world.random(16).toString('base64url')}`

/** The digest of a text or bytes as written everywhere: `sha256:` and 64 hex digits. */
export const digestOf = (content: string | Buffer): string =>
  `sha256:${hash('sha256', content, 'hex')}`
