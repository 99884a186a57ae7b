import {
  applyEdits,
  createScanner,
  findNodeAtLocation,
  modify,
  parseTree,
  printParseErrorCode,
  type Edit,
  type Node,
  type ParseError,
} from 'jsonc-parser'
import { isFields } from '#config'
import type { Format, ReadText } from './format.ts'

const DEPTH_MAX = 500

/** JSON as clients write it: with comments, trailing commas, a byte order mark, or nothing at all. */
export const jsonFormat: Format = {
  read,
  edit: (text, changes) => {
    let edited = text.trim() === '' ? '{}\n' : text
    const layout = layoutOf(edited)
    for (const { key, remove, put } of changes) {
      for (const [name, entry] of Object.entries(put)) {
        edited = applyEdits(edited, placing(edited, [...key, name], entry, layout))
      }
      for (const name of remove.filter((gone) => !Object.hasOwn(put, gone))) {
        edited = applyEdits(edited, removing(edited, [...key, name]))
      }
    }
    return { ok: true, text: edited }
  },
}

interface Layout {
  readonly tabSize: number
  readonly insertSpaces: boolean
  readonly eol: string
}

/** On lines of its own after the last entry; the library would lay out that one's line anew. */
function placing(text: string, path: string[], entry: unknown, layout: Layout): Edit[] {
  const key = path.slice(0, -1)
  const formatted = (): Edit[] => modify(text, path, entry, { formattingOptions: layout })
  const tree = parseTree(text, [], { allowTrailingComma: true })
  if (!tree) return formatted()
  const mapping = findNodeAtLocation(tree, key)
  // Some clients write null for no servers.
  if (mapping?.type === 'null') {
    return modify(text, key, { [path.at(-1) ?? '']: entry }, { formattingOptions: layout })
  }
  const last = mapping?.children?.at(-1)
  if (!last || findNodeAtLocation(tree, path)) return formatted()
  const indent = /(?:^|\n)([ \t]*)$/.exec(text.slice(0, last.offset))?.[1]
  if (indent === undefined) return formatted()
  const { eol, insertSpaces, tabSize } = layout
  const step = insertSpaces ? ' '.repeat(tabSize) : '\t'
  const value = JSON.stringify(entry, null, step).replaceAll('\n', `${eol}${indent}`)
  const content = `,${eol}${indent}${JSON.stringify(path.at(-1))}: ${value}`
  return [{ offset: last.offset + last.length, length: 0, content }]
}

function read(text: string): ReadText {
  if (text.trim() === '') return { ok: true, value: {} }
  const errors: ParseError[] = []
  const tree = treeOf(text, errors)
  const [error] = errors
  if (error) {
    const problem = `not valid JSON (${printParseErrorCode(error.error)})`
    return { ok: false, line: lineAt(text, error.offset), problem }
  }
  if (!tree) return { ok: false, line: 1, problem: 'nested too deeply' }
  const wrong: { node: Node; problem: string }[] = []
  const value = valueOf(tree, wrong, 0)
  const [first] = wrong
  if (first) return { ok: false, line: lineAt(text, first.node.offset), problem: first.problem }
  return isFields(value)
    ? { ok: true, value }
    : { ok: false, line: lineAt(text, tree.offset), problem: 'not a mapping' }
}

function treeOf(text: string, errors: ParseError[]): Node | undefined {
  try {
    return parseTree(text, errors, { allowTrailingComma: true })
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined // The stack.
    throw thrown
  }
}

function valueOf(node: Node, wrong: { node: Node; problem: string }[], depth: number): unknown {
  if (depth > DEPTH_MAX) {
    wrong.push({ node, problem: 'nested too deeply' })
    return undefined
  }
  const { children = [] } = node
  if (node.type === 'array') return children.map((child) => valueOf(child, wrong, depth + 1))
  if (node.type !== 'object') {
    const simple: unknown = node.value
    return simple
  }
  const entries = new Map<string, unknown>()
  for (const property of children) {
    const [key, value] = property.children ?? []
    const name: unknown = key?.value
    if (typeof name !== 'string' || !value) continue
    // Which of two an editor would change is anybody's guess.
    if (entries.has(name)) wrong.push({ node: property, problem: 'a name is here twice' })
    entries.set(name, valueOf(value, wrong, depth + 1))
  }
  return Object.fromEntries(entries)
}

/** With its comma and its line; the library would take the comments before the next entry along. */
function removing(text: string, path: string[]): Edit[] {
  const tree = parseTree(text, [], { allowTrailingComma: true })
  const property = tree && findNodeAtLocation(tree, path)?.parent
  const comma = property && commaAfter(text, property.offset + property.length)
  if (!property || comma === undefined) return modify(text, path, undefined, {})
  const end = nextAfter(text, property.offset, comma)
  return [{ offset: property.offset, length: end - property.offset, content: '' }]
}

function nextAfter(text: string, start: number, comma: number): number {
  const rest = text.slice(comma)
  const line = /(?:^|\n)[ \t]*$/.test(text.slice(0, start)) ? REST_OF_LINE.exec(rest) : null
  return comma + (line ?? BLANKS.exec(rest) ?? [''])[0].length
}

/** What follows an entry on its line belongs to it, and so does the indentation of the next line. */
const REST_OF_LINE = /^[ \t]*(?:\/\/[^\n]*|\/\*(?:(?!\*\/)[^\n])*\*\/[ \t]*)?\r?\n[ \t]*/
const BLANKS = /^[ \t]*/

/** Where the text goes on after the comma that follows, comments passed over. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true)
  scanner.setPosition(offset)
  scanner.scan()
  const at = scanner.getTokenOffset()
  return text[at] === ',' ? at + 1 : undefined
}

function layoutOf(text: string): Layout {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  '
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  }
}

export const lineAt = (text: string, offset: number): number =>
  text.slice(0, offset).split('\n').length
