import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Fault } from '@countersign/contract'
import type { World } from './world.ts'

const KEY_BYTES = 32
const FOR_OTHERS = 0o077
const STICKY = 0o1000

/** Makes the folder, or closes the one that is there to everybody else. */
export function privateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const { mode, uid } = statSync(path)
  // Not ours to close: another's folder, or one that everybody shares, such as /tmp.
  if (uid !== process.getuid?.() || (mode & STICKY) !== 0) return
  if ((mode & FOR_OTHERS) !== 0) chmodSync(path, 0o700)
}

/** Whether there is such a file: reading it would make one. */
export const hasKeyFile = (path: string): boolean => existsSync(path)

/** Puts a key in the place of another, at once: who looks meanwhile finds the one or the other. */
export function moveKeyFile(from: string, to: string): void {
  try {
    renameSync(from, to)
    syncFolder(dirname(to))
  } catch (cause) {
    throw new Fault('store/unavailable', `${to} cannot be written.`, { cause })
  }
}

/** Takes away a key that nothing was done with. */
export const removeKeyFile = (path: string): void => {
  rmSync(path, { force: true })
}

/** So that it is still so after the power was cut. Windows knows no such thing of folders. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** A key kept in a file that only its owner may read; made when it is not there yet. */
export function keyFile(world: World, path: string): Buffer {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // `wx`: of two that start at once, one makes the key and the other reads it.
    writeFileSync(path, `${world.random(KEY_BYTES).toString('base64url')}\n`, {
      mode: 0o600,
      flag: 'wx',
      // What is done with a key outlives a power cut: so does the key.
      flush: true,
    })
    syncFolder(dirname(path))
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) {
      throw new Fault('store/unavailable', `${path} cannot be written.`, { cause })
    }
  }
  const key = Buffer.from(readPrivate(world, path).trim(), 'base64url')
  if (key.length === KEY_BYTES) return key
  throw new Fault('store/unavailable', `${path} does not hold a key. Restore it, or remove it.`)
}

/** What others could read may be known to them: whether to keep such a key is for its owner to say. */
function readPrivate(world: World, path: string): string {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    const isOpen = world.platform !== 'win32' && (fstatSync(file).mode & FOR_OTHERS) !== 0
    if (!isOpen) return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Fault('store/unavailable', `${path} cannot be read.`, { cause })
  } finally {
    if (file !== undefined) closeSync(file)
  }
  throw new Fault(
    'store/unavailable',
    `${path} is a key, and is open to other users of this machine. Remove it if they may have read it, or run: chmod 600 ${path}`,
  )
}
