import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject, own } from '@countersign/contract'
import { Secret, type World } from '#base'
import type { Config } from '#config'

/** A Countersign that is running on the same data folder, and how to reach it. */
export interface Running {
  readonly url: URL
  readonly token: Secret
}

const file = (config: Config): string => join(config.data, 'running.json')

/** Tells later commands where we are. The token is not in it: that is in a file of its own. */
export function announce(config: Config, world: World, url: string): () => void {
  writeFileSync(file(config), `${JSON.stringify({ url, pid: world.pid })}\n`, { mode: 0o600 })
  return () => {
    rmSync(file(config), { force: true })
  }
}

/** The running Countersign of this data folder, if it answers. What a crash left behind does not. */
export async function findRunning(config: Config): Promise<Running | undefined> {
  try {
    const said: unknown = JSON.parse(readFileSync(file(config), 'utf8'))
    const url = isObject(said) ? own(said, 'url') : undefined
    if (typeof url !== 'string') return undefined
    const key = readFileSync(join(config.data, 'keys', 'admin.key'), 'utf8').trim()
    const health = await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(HEALTH_MS) })
    return health.ok ? { url: new URL(url), token: new Secret(key) } : undefined
  } catch {
    return undefined // Not there, or no longer there: the caller opens the house itself.
  }
}
const HEALTH_MS = 2_000
