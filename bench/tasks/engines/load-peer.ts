import { createRequire } from 'node:module'
import { join } from 'node:path'

/** A package of others, from the folder in which the bench has installed them. */
export function loadPeer(peers: string | undefined, name: string): unknown {
  if (peers === undefined) throw new TypeError('the packages of others are not installed')
  const load = createRequire(join(peers, 'package.json'))
  return load(name)
}
