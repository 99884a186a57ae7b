import { readFileSync } from 'node:fs'

/** The version of the package this file is part of: two folders up, in the source and in the build. */
const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
)
export const VERSION = version
