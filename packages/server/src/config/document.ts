import { stripComments } from 'jsonc-parser'
import { LineCounter, parseDocument, type Document } from 'yaml'
import { excessOf, TOO_DEEP } from './excess.ts'
import { fieldName, type Mistake, type Path } from './mistake.ts'
import { plainOf } from './plain.ts'
import { yamlProblem } from './yaml-problem.ts'

const SYNTAX_MISTAKES_MAX = 100

interface ConfigDocument {
  readonly value: unknown
  readonly mistakeAt: (at: Path, problem: string, remedy: string) => Mistake
}

type Read =
  | { readonly ok: true; readonly document: ConfigDocument }
  | { readonly ok: false; readonly mistakes: readonly Mistake[] }

/** YAML or JSON to plain values, each with its place. Never throws, however strange the text. */
export function readDocument(text: string, json: boolean): Read {
  // JSON with comments becomes JSON of the same length, so that every place stays true.
  const source = json ? stripComments(text, ' ') : text
  const lines = linesOf(source)
  const mistake = (at: number, path: Path, problem: string, remedy: string): Mistake => {
    const { line, col: column } = lines.linePos(at)
    return { line, column, field: fieldName(path), problem, remedy }
  }
  const excess = excessOf(source)
  if (excess) {
    return { ok: false, mistakes: [mistake(excess.at, [], excess.problem, excess.remedy)] }
  }
  const document = parse(source)
  if (!document) return { ok: false, mistakes: [mistake(0, [], TOO_DEEP.problem, TOO_DEEP.remedy)] }
  const broken = [...document.errors, ...document.warnings].slice(0, SYNTAX_MISTAKES_MAX)
  if (broken.length > 0) {
    const mistakes = broken.map(({ code, pos }) => {
      const { problem, remedy } = yamlProblem(code, json)
      return mistake(pos[0], [], problem, remedy)
    })
    return { ok: false, mistakes }
  }
  const { value, wrong, startOf } = plainOf(document)
  if (wrong.length > 0) {
    const mistakes = wrong.map(({ at, path, problem, remedy }) =>
      mistake(at, path, problem, remedy),
    )
    return { ok: false, mistakes }
  }
  const mistakeAt: ConfigDocument['mistakeAt'] = (path, problem, remedy) =>
    mistake(startOf(path), path, problem, remedy)
  return { ok: true, document: { value, mistakeAt } }
}

function linesOf(source: string): LineCounter {
  const lines = new LineCounter()
  lines.addNewLine(0)
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) {
    lines.addNewLine(at + 1)
  }
  return lines
}

function parse(source: string): Document | undefined {
  try {
    return parseDocument(source, {
      prettyErrors: false,
      uniqueKeys: false, // Found by us, who can name the key.
      schema: 'core',
      version: '1.2',
    })
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined // The stack; nesting by indentation alone.
    throw thrown
  }
}
