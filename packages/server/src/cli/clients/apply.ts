import { join } from 'node:path'
import type { World } from '#base'
import { BACKUP_FOLDER, writeWithBackup, type Write } from './backup.ts'
import { readBytes } from './client-file.ts'
import type { OurFile } from './our-file.ts'
import type { Plan } from './plan.ts'

export interface Applied {
  readonly written: readonly string[]
  readonly failed: readonly { readonly path: string; readonly problem: string }[]
}

/** Writes what was planned, our own files first: a client must never point at nothing. */
export function apply(world: World, plan: Plan, ours: OurFile, clients: boolean): Applied {
  const written: string[] = []
  const failed: Applied['failed'][number][] = []
  const folder = join(ours.data, BACKUP_FOLDER)
  const own = [...ignoreFile(plan, ours), ...plan.files.map((file) => ownWrite(file, ours))]
  for (const write of [...own, ...(clients ? clientWrites(plan) : [])]) {
    if (!write.ours && failed.some(({ path }) => own.some((other) => other.path === path))) break
    const result = writeWithBackup(world, folder, write)
    if (result.ok) written.push(write.path)
    else failed.push({ path: write.path, problem: result.problem })
  }
  return { written, failed }
}

const clientWrites = (plan: Plan): Write[] =>
  plan.edits.map(({ path, content, bytes, clients }) => ({
    path,
    before: content,
    bytes,
    mode: 0o600,
    ours: false,
    locks: clients.some(({ locks }) => locks === true),
  }))

function ownWrite({ path, text, mode }: Plan['files'][number], ours: OurFile): Write {
  const read = path === ours.path ? undefined : readBytes(path)
  const before =
    read?.kind === 'content' ? read.content : path === ours.path ? ours.content : undefined
  const mark = before?.bytes.subarray(0, 3).equals(MARK) === true ? '\uFEFF' : ''
  return { path, before, bytes: Buffer.from(mark + text), mode, ours: true, locks: false }
}

const MARK = Buffer.from('\uFEFF')

/** Secrets and copies of clients' files must not end up in a repository by accident. */
function ignoreFile(plan: Plan, { data }: OurFile): Write[] {
  const path = join(data, '.gitignore')
  if (plan.files.length + plan.edits.length === 0 || readBytes(path).kind !== 'missing') return []
  const bytes = Buffer.from('*\n')
  return [{ path, before: undefined, bytes, mode: 0o644, ours: true, locks: false }]
}
