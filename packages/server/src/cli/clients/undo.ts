import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { digestOf, type World } from '#base'
import {
  BACKUP_FOLDER,
  copyOf,
  locked,
  readManifest,
  removeEmptyFolders,
  replaceFile,
  type BackupRecord,
} from './backup.ts'
import { codeOf, readBytes } from './client-file.ts'

export interface Undone {
  readonly ok: boolean
  readonly restored: readonly string[]
  readonly removed: readonly string[]
  /** Our own files that were changed since and stay. */
  readonly kept: readonly string[]
  readonly problems: readonly { readonly path: string; readonly problem: string }[]
}

const NOTHING: Undone = { ok: true, restored: [], removed: [], kept: [], problems: [] }

/** Puts every byte back. Looks at all files first: either all of them can be put back, or none is touched. */
export function undo(world: World, data: string, force: boolean): Undone {
  const folder = join(data, BACKUP_FOLDER)
  const records = readManifest(folder)
  if (!records) {
    return {
      ...NOTHING,
      ok: false,
      problems: [{ path: folder, problem: 'its manifest cannot be read' }],
    }
  }
  const steps = stepsOf(folder, records, force)
  const problems = steps.flatMap(({ path, problem }) =>
    problem === undefined ? [] : [{ path, problem }],
  )
  if (problems.length > 0) return { ...NOTHING, ok: false, problems }
  const failed: Undone['problems'][number][] = []
  const said = { restored: new Set<string>(), removed: new Set<string>(), kept: new Set<string>() }
  for (const step of steps) {
    try {
      carryOut(world, step, said)
    } catch (thrown) {
      const why = thrown instanceof Locked ? 'it is locked by its program' : codeOf(thrown)
      failed.push({ path: step.path, problem: `cannot be put back: ${why}` })
    }
  }
  if (failed.length === 0) {
    rmSync(folder, { recursive: true, force: true })
    removeEmptyFolders(data, data)
  }
  return {
    ok: failed.length === 0,
    restored: [...said.restored].filter((path) => !said.removed.has(path)),
    removed: [...said.removed],
    kept: [...said.kept],
    problems: failed,
  }
}

interface Step {
  readonly record: BackupRecord
  readonly path: string
  readonly act: 'restore' | 'remove' | 'keep' | 'nothing'
  readonly bytes: Buffer | undefined
  readonly problem: string | undefined
}

/** Newest first, each against what the file will be by then. */
function stepsOf(folder: string, records: readonly BackupRecord[], force: boolean): Step[] {
  const digests = new Map<string, string | undefined>()
  const kept = new Set<string>()
  return records.toReversed().map((record): Step => {
    const { path, before, after, ours } = record
    if (!digests.has(path)) digests.set(path, digestNow(path))
    const now = digests.get(path)
    const step = { record, path, bytes: undefined, problem: undefined }
    if (now === before && !kept.has(path)) return { ...step, act: 'nothing' }
    if ((now !== after && !force && ours) || kept.has(path)) {
      kept.add(path)
      return { ...step, act: 'keep' }
    }
    digests.set(path, before)
    if (now !== after && !force) {
      return {
        ...step,
        act: 'nothing',
        problem: 'was changed since; --force puts the old bytes back',
      }
    }
    if (before === undefined) return { ...step, act: 'remove' }
    const bytes = copyOf(folder, record)
    return bytes
      ? { ...step, act: 'restore', bytes }
      : { ...step, act: 'nothing', problem: 'its copy is gone or damaged' }
  })
}

function digestNow(path: string): string | undefined {
  const read = readBytes(path)
  if (read.kind === 'missing') return undefined
  return read.kind === 'content' ? read.content.digest : digestOf(read.problem)
}

class Locked extends Error {}

function carryOut(
  world: World,
  { record, path, act, bytes }: Step,
  said: Readonly<Record<'restored' | 'removed' | 'kept', Set<string>>>,
): void {
  if (act === 'restore' && bytes) {
    const put = (): void => replaceFile(world, path, bytes, record.mode)
    if (!locked(record, put)) throw new Locked()
    said.restored.add(path)
  } else if (act === 'remove') {
    if (existsSync(path)) rmSync(path)
    if (record.folder !== undefined) removeEmptyFolders(dirname(path), record.folder)
    said.removed.add(path)
  } else if (act === 'keep') said.kept.add(path)
}
