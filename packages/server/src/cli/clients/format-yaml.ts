import { isMap, LineCounter, parseDocument, type Document } from 'yaml'
import { excessOf, isFields, type Fields } from '#config'
import { lineAt } from './format-json.ts'
import type { Format, ReadText } from './format.ts'

export const yamlFormat: Format = {
  read: (text) => {
    const parsed = parse(text)
    return parsed.ok ? { ok: true, value: parsed.value } : parsed
  },
  edit: (text, changes) => {
    const parsed = parse(text)
    if (!parsed.ok) return parsed
    const { document } = parsed
    if (!isMap(document.contents)) document.contents = document.createNode({})
    for (const { key, remove, put } of changes) {
      const mapping = document.getIn(key)
      if (isMap(mapping)) for (const name of remove) mapping.delete(name)
      for (const [name, entry] of Object.entries(put)) {
        if (isMap(mapping)) mapping.set(name, document.createNode(entry))
        else document.setIn(key, document.createNode({ [name]: entry }))
      }
    }
    const indent = /(?:^|\n)[^\s#-][^\n]*:\s*\n( {1,8})\S/.exec(text)?.[1]?.length ?? 2
    const eol = text.includes('\r\n') ? '\r\n' : '\n'
    const written = document.toString({ indent, lineWidth: 0 })
    return { ok: true, text: written.replaceAll(/\r?\n/g, eol) }
  },
}

type Parsed =
  | { readonly ok: true; readonly document: Document; readonly value: Fields }
  | (ReadText & { readonly ok: false })

function parse(text: string): Parsed {
  const excess = excessOf(text)
  if (excess) return { ok: false, line: lineAt(text, excess.at), problem: excess.problem }
  const lineCounter = new LineCounter()
  try {
    const document: Document = parseDocument(text, { lineCounter, prettyErrors: false })
    const [error] = document.errors
    if (error) {
      return { ok: false, line: lineCounter.linePos(error.pos[0]).line, problem: 'not valid YAML' }
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? {}
    return isFields(value)
      ? { ok: true, document, value }
      : { ok: false, line: 1, problem: 'not a mapping' }
  } catch {
    // Aliases without end, or nesting by indentation alone.
    return { ok: false, line: 1, problem: 'too deep or too many aliases' }
  }
}
