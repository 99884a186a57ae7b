import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Fault } from '@countersign/contract'
import type { World } from './world.ts'

const KEY_BYTES = 32

/** A key kept in a file that only its owner may read; made when it is not there yet. */
export function keyFile(world: World, path: string): Buffer {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    // `wx`: of two that start at once, one makes the key and the other reads it.
    writeFileSync(path, `${world.random(KEY_BYTES).toString('base64url')}\n`, {
      mode: 0o600,
      flag: 'wx',
    })
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) {
      throw new Fault('store/unavailable', `${path} cannot be written.`, { cause })
    }
  }
  const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'base64url')
  if (key.length === KEY_BYTES) return key
  throw new Fault('store/unavailable', `${path} does not hold a key. Restore it, or remove it.`)
}
