import { isFields, type Fields } from '#config'
import { readBytes, textOf, type FileContent } from './client-file.ts'
import type { Client, ClientPlace, FormatName, Place } from './client.ts'
import { FORMATS } from './format.ts'
import { pathOf } from './place.ts'

/** One mapping of servers in one file of one client. */
export interface Slot {
  readonly client: Client
  readonly scope: ClientPlace['scope']
  readonly key: readonly string[]
  readonly entries: readonly (readonly [string, unknown])[]
}

/** A file that exists and can be read, with everything clients keep in it. */
export interface ScannedFile {
  readonly path: string
  readonly format: FormatName
  readonly content: FileContent
  readonly text: string
  readonly mark: boolean
  readonly slots: Slot[]
}

export interface Scan {
  readonly files: readonly ScannedFile[]
  readonly problems: readonly {
    readonly client: string
    readonly path: string
    readonly line?: number
    readonly problem: string
  }[]
  /** Clients without any file, and where the first of their own would be. */
  readonly absent: readonly {
    readonly client: Client
    readonly path: string
    readonly place: ClientPlace
  }[]
}

type Problem = Scan['problems'][number]

/** Looks at every file of the given clients. Nothing found there can make it throw. */
export function scan(clients: readonly Client[], place: Place): Scan {
  const seen: Seen = { files: new Map(), problems: [] }
  const absent: Scan['absent'][number][] = []
  for (const client of clients) {
    const present = client.places.filter((where) => look(client, where, place, seen))
    const [first] = client.places
    const path = first && pathOf(first.path, place)
    if (present.length === 0 && first && path !== undefined)
      absent.push({ client, path, place: first })
  }
  const files = [...new Set(seen.files.values())].filter((file) => file !== undefined)
  return { files, problems: seen.problems, absent }
}

interface Seen {
  /** Undefined for files that exist and cannot be read. */
  readonly files: Map<string, ScannedFile | undefined>
  readonly problems: Problem[]
}

/** Whether the client has this file at all. */
function look(
  client: Client,
  where: ClientPlace,
  place: Place,
  { files, problems }: Seen,
): boolean {
  const path = pathOf(where.path, place)
  if (path === undefined) return false
  const known = files.get(path)
  if (files.has(path) && !known) return true
  const read = known ?? open(path, where.format)
  if (read === undefined) return false
  if ('problem' in read) {
    files.set(path, undefined)
    problems.push({ client: client.name, path, ...read })
    return true
  }
  // Links make one file of two: it is changed once, for both.
  const same = [...files.values()].find((file) => file?.content.real === read.content.real) ?? read
  files.set(path, same)
  const slot = slotOf(same, client, where, place)
  if ('problem' in slot) problems.push({ client: client.name, path, ...slot })
  else same.slots.push(slot)
  return true
}

type Bad = Omit<Problem, 'client' | 'path'>

function open(path: string, format: FormatName): ScannedFile | Bad | undefined {
  const read = readBytes(path)
  if (read.kind === 'missing') return undefined
  if (read.kind === 'unreadable') return { problem: read.problem }
  const { content } = read
  const decoded = textOf(content.bytes)
  if (!decoded) return { problem: 'not UTF-8' }
  const parsed = FORMATS[format].read(decoded.text)
  if (!parsed.ok) return { line: parsed.line, problem: parsed.problem }
  return { path, format, content, ...decoded, slots: [] }
}

function slotOf(file: ScannedFile, client: Client, where: ClientPlace, place: Place): Slot | Bad {
  const parsed = FORMATS[file.format].read(file.text)
  const key = where.key.map((step) => (step === '{project}' ? place.cwd : step))
  let value: unknown = parsed.ok ? parsed.value : {}
  for (const step of key) {
    if (value === undefined) break
    if (!isFields(value)) return { problem: `${key.join('.')} is not a mapping` }
    value = fieldOf(value, step)
  }
  if (value !== undefined && value !== null && !isFields(value)) {
    return { problem: `${key.join('.')} is not a mapping` }
  }
  return { client, scope: where.scope, key, entries: Object.entries(value ?? {}) }
}

const fieldOf = (fields: Fields, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined
