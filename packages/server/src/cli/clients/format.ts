import { isDeepStrictEqual } from 'node:util'
import { isFields, type Fields } from '#config'
import type { FormatName } from './client.ts'
import { jsonFormat } from './format-json.ts'
import { tomlFormat } from './format-toml.ts'
import { yamlFormat } from './format-yaml.ts'

export type ReadText =
  | { readonly ok: true; readonly value: Fields }
  | { readonly ok: false; readonly line: number; readonly problem: string }

/** What becomes of one mapping of servers: these entries go, and ours is put in. */
export interface Change {
  readonly key: readonly string[]
  readonly remove: readonly string[]
  readonly put: Readonly<Record<string, Fields>>
}

export type EditText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly line: number; readonly problem: string }

/** A notation that clients keep their servers in. Comments and layout survive an edit. */
export interface Format {
  readonly read: (text: string) => ReadText
  readonly edit: (text: string, changes: readonly Change[]) => EditText
}

export const FORMATS: Readonly<Record<FormatName, Format>> = {
  json: jsonFormat,
  yaml: yamlFormat,
  toml: tomlFormat,
}

/** Edits, reads the result back, and refuses whatever is not exactly the change that was asked for. */
export function edit(format: Format, text: string, changes: readonly Change[]): EditText {
  const before = format.read(text)
  if (!before.ok) return before
  const wanted = changes.reduce(changed, before.value)
  if (isDeepStrictEqual(wanted, before.value)) return { ok: true, text }
  const edited = format.edit(text, changes)
  if (!edited.ok) return edited
  const after = format.read(edited.text)
  if (after.ok && isDeepStrictEqual(after.value, wanted)) return edited
  return { ok: false, line: 1, problem: 'cannot be written back without changing something else' }
}

function changed(value: Fields, { key, remove, put }: Change): Fields {
  const [step, ...rest] = key
  if (step === undefined) {
    const left = Object.entries(value).filter(([name]) => !remove.includes(name))
    return Object.fromEntries([...left, ...Object.entries(put)])
  }
  const inner = Object.hasOwn(value, step) ? value[step] : undefined
  const fields = isFields(inner) ? inner : {}
  const next = changed(fields, { key: rest, remove, put })
  if (!isFields(inner) && Object.keys(next).length === 0) return value
  return Object.fromEntries([...Object.entries(value), [step, next]])
}
