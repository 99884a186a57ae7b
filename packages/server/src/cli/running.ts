import { randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject, own, textAt } from '@countersign/contract'
import { PROOF, proofOf } from '#admin'
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
  // Renamed into place: who looks meanwhile sees all of it or nothing.
  const draft = `${file(config)}.${String(world.pid)}`
  writeFileSync(draft, `${JSON.stringify({ url, pid: world.pid })}\n`, { mode: 0o600 })
  renameSync(draft, file(config))
  return () => {
    rmSync(file(config), { force: true })
  }
}

/** The running Countersign of this data folder, if it answers and proves that it is the one. */
export async function findRunning(config: Config): Promise<Running | undefined> {
  try {
    const said: unknown = JSON.parse(readFileSync(file(config), 'utf8'))
    const url = isObject(said) ? own(said, 'url') : undefined
    if (typeof url !== 'string') return undefined
    const key = readFileSync(join(config.data, 'keys', 'admin.key'), 'utf8').trim()
    const token = new Secret(key)
    return (await isProven(url, token)) ? { url: new URL(url), token } : undefined
  } catch {
    return undefined // Not there, or no longer there: the caller opens the house itself.
  }
}

const PROOF_MS = 2_000
const NONCE_BYTES = 32

/** After a crash the port may be another program's, and that is not to see the token. */
async function isProven(url: string, token: Secret): Promise<boolean> {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url')
  const answer = await fetch(new URL(`${PROOF}?nonce=${nonce}`, url), {
    redirect: 'error',
    signal: AbortSignal.timeout(PROOF_MS),
  })
  const said: unknown = await answer.json()
  const given = Buffer.from(isObject(said) ? textAt(said, 'proof') : '')
  const expected = Buffer.from(proofOf(token, nonce))
  return given.length === expected.length && timingSafeEqual(given, expected)
}
