import {
  applyEdits,
  modify,
  parseTree,
  printParseErrorCode,
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
    const formattingOptions = layoutOf(edited)
    const set = (path: string[], value: unknown): void => {
      edited = applyEdits(edited, modify(edited, path, value, { formattingOptions }))
    }
    for (const { key, remove, put } of changes) {
      for (const name of remove) if (!Object.hasOwn(put, name)) set([...key, name], undefined)
      for (const [name, entry] of Object.entries(put)) set([...key, name], entry)
    }
    return { ok: true, text: edited }
  },
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

function layoutOf(text: string): { tabSize: number; insertSpaces: boolean; eol: string } {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  '
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  }
}

export const lineAt = (text: string, offset: number): number =>
  text.slice(0, offset).split('\n').length
