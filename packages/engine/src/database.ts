import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another process owns the database. */
export class StoreLocked extends Error {
  override readonly name = 'StoreLocked'
}

/** The database, its folder or its disk is read-only, full or broken. */
export class StoreUnwritable extends Error {
  override readonly name = 'StoreUnwritable'
}

/**
 * Opens an SQLite database for one owner: write-ahead log, `synchronous=FULL` (a commit that returned
 * survives power loss), and an exclusive lock that a second process meets at once and that even
 * `kill -9` of the owner releases. Nobody but its user may read its files. `:memory:` is allowed, for
 * tests.
 *
 * @throws StoreLocked when another process owns it, StoreUnwritable when it cannot be written;
 * whatever SQLite says for anything else.
 */
export function openDatabase(path: string): DatabaseSync {
  const db = openFile(path)
  try {
    // The order matters: exclusive before WAL keeps the index in memory instead of a shared file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    db.exec('PRAGMA journal_mode = WAL')
    db.exec('PRAGMA synchronous = FULL')
    db.exec('PRAGMA foreign_keys = ON')
    // A page that many commits have changed is copied from the log once: 16 MB of it, at most.
    db.exec('PRAGMA wal_autocheckpoint = 4000')
    db.exec('BEGIN IMMEDIATE; COMMIT')
  } catch (cause) {
    db.close()
    if (/locked|busy/i.test(String(cause))) {
      throw new StoreLocked(`${path} is in use by another process.`, { cause })
    }
    throw isUnwritable(cause) ? unwritable(path, cause) : cause
  }
  return db
}

function openFile(path: string): DatabaseSync {
  if (path === ':memory:') return new DatabaseSync(path)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    makePrivate(path)
    return new DatabaseSync(path)
  } catch (cause) {
    throw isUnwritable(cause) ? unwritable(path, cause) : cause
  }
}

/** SQLite's primary codes for read-only, input/output, full and cannot open. */
const SQLITE_UNWRITABLE: readonly number[] = [8, 10, 13, 14]
const SYSTEM_UNWRITABLE: readonly string[] = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT']

function isUnwritable(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  // The primary code is the lowest byte of the extended one.
  if ('errcode' in cause) return SQLITE_UNWRITABLE.includes(Number(cause.errcode) & 0xff)
  return 'code' in cause && SYSTEM_UNWRITABLE.includes(String(cause.code))
}

const unwritable = (path: string, cause: unknown): StoreUnwritable => {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `${path} cannot be written: ${reason}. Is it, its folder or its disk read-only or full?`
  return new StoreUnwritable(message, { cause })
}

/** SQLite gives its log and journal the mode of the database, so that one has to be right first. */
function makePrivate(path: string): void {
  try {
    // `wx`: a file that is there is not opened. Closing it would drop a lock that we hold on it.
    closeSync(openSync(path, 'wx', 0o600))
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
  }
  for (const file of [path, `${path}-wal`]) {
    const stats = statSync(file, { throwIfNoEntry: false })
    const isOpen = stats !== undefined && (stats.mode & 0o077) !== 0
    if (isOpen && stats.uid === process.getuid?.()) chmodSync(file, 0o600)
  }
}
