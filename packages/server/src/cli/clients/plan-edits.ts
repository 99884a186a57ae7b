import type { Client } from './client.ts'
import type { FileContent } from './client-file.ts'
import { edit, FORMATS, type Change } from './format.ts'
import { OUR_NAME, ourEntry, type Reach } from './our-entry.ts'
import type { Row } from './plan.ts'
import type { Scan, ScannedFile, Slot } from './scan.ts'

/** A client's file with its new bytes. */
export interface PlannedEdit {
  readonly path: string
  /** Undefined when the file is made. */
  readonly content: FileContent | undefined
  readonly bytes: Buffer
  readonly clients: readonly Client[]
  readonly removed: readonly string[]
}

interface From {
  readonly rows: readonly Row[]
  readonly found: Scan
  readonly reach: Reach
  readonly wanted: readonly Client[]
}

/** How each client's file changes: entries that we serve from now on go, ours comes. */
export function planEdits({ rows, found, reach, wanted }: From): {
  edits: PlannedEdit[]
  problems: Scan['problems'][number][]
} {
  const edits: PlannedEdit[] = []
  const problems: Scan['problems'][number][] = []
  for (const file of found.files) {
    const changes = file.slots.map((slot) => changeOf(slot, { file, rows, found, reach }))
    const result = edit(FORMATS[file.format], file.text, changes)
    const clients = [...new Set(file.slots.map(({ client }) => client))]
    if (!result.ok) {
      const { line, problem } = result
      const client = clients.map(({ name }) => name).join(', ')
      problems.push({ client, path: file.path, line, problem: `cannot be changed: ${problem}` })
    } else if (result.text !== file.text) {
      const bytes = Buffer.from((file.mark ? '\uFEFF' : '') + result.text)
      const removed = changes.flatMap(({ remove }) => remove)
      edits.push({ path: file.path, content: file.content, bytes, clients, removed })
    }
  }
  for (const { client, path, place } of found.absent) {
    if (!wanted.includes(client)) continue
    const put = { [OUR_NAME]: ourEntry(client, reach) }
    const made = edit(FORMATS[place.format], '', [{ key: place.key, remove: [], put }])
    if (!made.ok) continue
    const bytes = Buffer.from(made.text)
    edits.push({ path, content: undefined, bytes, clients: [client], removed: [] })
  }
  return { edits, problems }
}

interface Around extends Omit<From, 'wanted'> {
  readonly file: ScannedFile
}

function changeOf(slot: Slot, { file, rows, found, reach }: Around): Change {
  const here = rows.filter((row) => row.slot === slot)
  const remove = here.flatMap(({ name, outcome }) =>
    (outcome.kind === 'new' || outcome.kind === 'known') && outcome.replaces ? [name] : [],
  )
  const others = here.some(({ name, outcome }) => outcome.kind === 'ours' && name !== OUR_NAME)
  const first = found.files.find(({ slots }) => slots.some(({ client }) => client === slot.client))
  const main = first?.slots.find(({ client }) => client === slot.client)
  const put =
    !others && (slot === main || (remove.length > 0 && file !== first))
      ? { [OUR_NAME]: ourEntry(slot.client, reach) }
      : {}
  return { key: slot.key, remove: remove.filter((name) => !Object.hasOwn(put, name)), put }
}
