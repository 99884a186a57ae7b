import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Document,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { DEPTH_MAX, TOO_DEEP } from './excess.ts'
import { keyName, type Path } from './mistake.ts'

const NODES_MAX = 100_000
/** Aliases multiply each other, and each is looked for through the whole document. */
const ALIASES_MAX = 1_000

interface Wrong {
  readonly at: number
  readonly path: Path
  readonly problem: string
  readonly remedy: string
}

/** Plain values, and where in the text each of them and each key begins. */
export interface Plain {
  readonly value: unknown
  readonly wrong: readonly Wrong[]
  readonly startOf: (path: Path) => number
}

interface Reading {
  readonly document: Document
  readonly starts: Map<string, number>
  readonly wrong: Wrong[]
  nodes: number
  aliases: number
}

export function plainOf(document: Document): Plain {
  const reading: Reading = { document, starts: new Map(), wrong: [], nodes: 0, aliases: 0 }
  const value = valueOf(document.contents, [], reading)
  const startOf = (path: Path): number => {
    // The key of a field, the value of an item, else whatever encloses it.
    const at =
      reading.starts.get(placeKey('key', path)) ?? reading.starts.get(placeKey('value', path))
    return at ?? (path.length === 0 ? 0 : startOf(path.slice(0, -1)))
  }
  return { value, wrong: reading.wrong, startOf }
}

function valueOf(node: unknown, path: Path, reading: Reading): unknown {
  if (node === null) return null
  if (path.length > DEPTH_MAX) return complain(node, path, reading, TOO_DEEP)
  reading.nodes += 1
  if (reading.nodes > NODES_MAX) {
    if (reading.nodes === NODES_MAX + 1) complain(node, path, reading, TOO_MANY)
    return undefined
  }
  remember(reading, 'value', path, startsAt(node))
  if (isScalar(node)) {
    return isSimple(node.value) ? node.value : complain(node, path, reading, STRANGE)
  }
  if (isAlias(node)) return aliased(node, path, reading)
  if (isSeq(node)) return listOf(node, path, reading)
  return isMap(node) ? mappingOf(node, path, reading) : complain(node, path, reading, STRANGE)
}

const TOO_MANY = { problem: 'too many values', remedy: 'use fewer aliases' }
const STRANGE = { problem: 'a kind of value we do not read', remedy: 'write it as text in quotes' }
const NO_ANCHOR = { problem: 'an alias (*) without its anchor (&)', remedy: 'put it in quotes' }
const NO_KEY = { problem: 'a key must be text', remedy: 'name the field' }
const NO_NAME = { problem: 'not usable as a name', remedy: 'choose another' }

function aliased(node: Alias, path: Path, reading: Reading): unknown {
  reading.aliases += 1
  if (reading.aliases > ALIASES_MAX) {
    return reading.aliases === ALIASES_MAX + 1 ? complain(node, path, reading, TOO_MANY) : undefined
  }
  const target = node.resolve(reading.document)
  return target ? valueOf(target, path, reading) : complain(node, path, reading, NO_ANCHOR)
}

const listOf = (node: YAMLSeq, path: Path, reading: Reading): unknown[] =>
  node.items.map((item, index) => valueOf(item, [...path, index], reading))

function mappingOf(node: YAMLMap, path: Path, reading: Reading): unknown {
  const entries = new Map<string, unknown>()
  for (const { key, value } of node.items) {
    const name = nameOf(key, reading)
    if (name === undefined) {
      complain(key, path, reading, NO_KEY)
      continue
    }
    const inner = [...path, name]
    if (entries.has(name)) {
      const problem = `${keyName(name)} is here twice`
      complain(key, inner, reading, { problem, remedy: 'keep one or rename the other' })
    } else if (name === '__proto__') complain(key, inner, reading, NO_NAME)
    else {
      remember(reading, 'key', inner, startsAt(key))
      entries.set(name, valueOf(value, inner, reading))
    }
  }
  return Object.fromEntries(entries)
}

function nameOf(key: unknown, { document }: Reading): string | undefined {
  const named = isAlias(key) ? key.resolve(document) : key
  return isScalar(named) && isSimple(named.value) && named.value !== null
    ? String(named.value)
    : undefined
}

function complain(
  node: unknown,
  path: Path,
  { wrong }: Reading,
  said: { readonly problem: string; readonly remedy: string },
): undefined {
  wrong.push({ at: startsAt(node), path, ...said })
}

function remember({ starts }: Reading, of: 'key' | 'value', path: Path, at: number): void {
  const key = placeKey(of, path)
  if (!starts.has(key)) starts.set(key, at)
}

const placeKey = (of: 'key' | 'value', path: Path): string => JSON.stringify([of, ...path])

const startsAt = (node: unknown): number =>
  isScalar(node) || isAlias(node) || isSeq(node) || isMap(node) ? (node.range?.[0] ?? 0) : 0

const isSimple = (value: unknown): value is string | number | boolean | null =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'number' ||
  typeof value === 'boolean'
