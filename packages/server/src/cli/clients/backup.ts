import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { digestOf, type World } from '#base'
import { codeOf, readBytes, type FileContent } from './client-file.ts'

/** The folder, in the data folder, that holds every byte we replaced. */
export const BACKUP_FOLDER = 'init-backup'
const MANIFEST = 'manifest.json'
const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

const recordSchema = z.strictObject({
  /** Where the bytes are; links have been followed. */
  path: z.string(),
  /** Undefined when we made the file. */
  before: z.string().optional(),
  after: z.string(),
  mode: z.int(),
  /** The copy of the bytes before, in the backup folder. */
  copy: z.string().optional(),
  /** The first folder made for it. */
  folder: z.string().optional(),
  /** Our own file: people go on editing it, so it does not stand in the way of undoing the rest. */
  ours: z.boolean(),
  /** Its program locks it with a folder called `<file>.lock`. */
  locks: z.boolean(),
})
const manifestSchema = z.strictObject({ version: z.literal(1), records: z.array(recordSchema) })

export type BackupRecord = z.output<typeof recordSchema>

export interface Write {
  readonly path: string
  /** The bytes that were there when the change was planned; undefined when there was no file. */
  readonly before: { readonly digest: string; readonly mode: number } | undefined
  readonly bytes: Buffer
  readonly mode: number
  readonly ours: boolean
  readonly locks: boolean
}

export type Wrote = { readonly ok: true } | { readonly ok: false; readonly problem: string }

/** The records so far, oldest first; undefined when the manifest cannot be read. */
export function readManifest(folder: string): readonly BackupRecord[] | undefined {
  const read = readBytes(join(folder, MANIFEST))
  if (read.kind === 'missing') return []
  if (read.kind === 'unreadable') return undefined
  try {
    const value: unknown = JSON.parse(read.content.bytes.toString('utf8'))
    return manifestSchema.safeParse(value).data?.records
  } catch {
    return undefined
  }
}

function writeManifest(world: World, folder: string, records: readonly BackupRecord[]): void {
  const text = `${JSON.stringify({ version: 1, records }, null, 2)}\n`
  replaceFile(world, join(folder, MANIFEST), Buffer.from(text), PRIVATE_FILE)
}

/** Keeps the bytes before, notes both digests, and only then writes. */
export function writeWithBackup(world: World, folder: string, write: Write): Wrote {
  const now = readBytes(write.path)
  if (now.kind === 'unreadable') return { ok: false, problem: now.problem }
  const current = now.kind === 'content' ? now.content : undefined
  if (current?.digest !== write.before?.digest) {
    return { ok: false, problem: 'has just been changed' }
  }
  const records = readManifest(folder)
  if (!records) return { ok: false, problem: `${join(folder, MANIFEST)} cannot be read` }
  try {
    mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER })
    const record = recordOf(write, current, records.length + 1)
    keep(world, folder, current?.bytes, record)
    writeManifest(world, folder, [...records, record])
    const mode = write.mode === PRIVATE_FILE && write.ours ? PRIVATE_FILE : record.mode
    const done = locked(record, () => replaceFile(world, record.path, write.bytes, mode))
    return done ? { ok: true } : { ok: false, problem: 'is locked by its program' }
  } catch (thrown) {
    return { ok: false, problem: `cannot be written (${codeOf(thrown)})` }
  }
}

function keep(
  world: World,
  folder: string,
  bytes: Buffer | undefined,
  { copy }: BackupRecord,
): void {
  if (bytes && copy !== undefined) replaceFile(world, join(folder, copy), bytes, PRIVATE_FILE)
}

function recordOf(
  { path, bytes, mode, ours, locks }: Write,
  current: FileContent | undefined,
  number: number,
): BackupRecord {
  const after = digestOf(bytes)
  if (current) {
    const copy = `${number}-${basename(path)}`
    return {
      path: current.real,
      before: current.digest,
      after,
      mode: current.mode,
      copy,
      ours,
      locks,
    }
  }
  const folder = mkdirSync(dirname(path), { recursive: true })
  return { path, after, mode, ours, locks, ...(folder === undefined ? {} : { folder }) }
}

/** Readers see the bytes before or the bytes after, never half of them. */
export function replaceFile(world: World, path: string, bytes: Buffer, mode: number): void {
  const temporary = join(dirname(path), `.${basename(path)}.${world.random(6).toString('hex')}`)
  try {
    const file = openSync(temporary, 'wx', mode)
    try {
      writeFileSync(file, bytes)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    chmodSync(temporary, mode) // The umask may have taken bits away.
    renameSync(temporary, path)
  } catch (thrown) {
    rmSync(temporary, { force: true })
    throw thrown
  }
}

/** Cline takes a folder beside the file as its lock. False when somebody else holds it. */
export function locked({ path, locks }: BackupRecord, write: () => void): boolean {
  if (!locks) {
    write()
    return true
  }
  const lock = `${path}.lock`
  try {
    mkdirSync(lock)
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    throw thrown
  }
  try {
    write()
    return true
  } finally {
    rmdirSync(lock)
  }
}

/** The copy of the bytes before, checked; undefined when it is gone or not what it was. */
export function copyOf(folder: string, record: BackupRecord): Buffer | undefined {
  if (record.copy === undefined) return undefined
  const path = join(folder, basename(record.copy))
  if (!existsSync(path)) return undefined
  const bytes = readFileSync(path)
  return digestOf(bytes) === record.before ? bytes : undefined
}

/** Removes the folders made for a file, as far as they are empty. */
export function removeEmptyFolders(from: string, upTo: string): void {
  let folder = from
  try {
    while (folder.length >= upTo.length) {
      rmdirSync(folder)
      folder = dirname(folder)
    }
  } catch {
    // Something else is in it by now.
  }
}
