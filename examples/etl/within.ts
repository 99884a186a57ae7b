import { isAbsolute, join, relative } from 'node:path'

/** The file `name` below `folder`. @throws Error for a name that leads out of it. */
export function within(folder: string, name: string): string {
  const path = join(folder, name)
  const below = relative(folder, path)
  if (below !== '' && !below.startsWith('..') && !isAbsolute(below)) return path
  throw new Error(`${name} is not a file below the folder that is served.`)
}
