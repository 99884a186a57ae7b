import { readFileSync } from 'node:fs'

/** A small file as text: read anew each time, because others replace it. Throws what Node throws. */
export const readText = (path: string): string => readFileSync(path, 'utf8')
