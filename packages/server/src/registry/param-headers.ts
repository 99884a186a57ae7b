import { isObject, own, type Json, type JsonObject } from '@countersign/contract'

/** One argument that is mirrored into an HTTP header (2026-07-28 Streamable HTTP, x-mcp-header). */
export interface ParamHeader {
  /** As it goes on the wire, `Mcp-Param-{Name}`. */
  readonly header: string
  /** Property names from the root of the arguments. */
  readonly path: readonly string[]
  readonly type: 'string' | 'integer' | 'boolean'
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const DEPTH_MAX = 16

/**
 * The mirrored arguments of a tool, or undefined when its annotations break the rules: then over
 * HTTP the tool is dropped by every client, so it must not be advertised with them (F-020, F-021).
 */
export function readParamHeaders(schema: unknown): readonly ParamHeader[] | undefined {
  const found: ParamHeader[] = []
  const isOnRoot = isObject(schema) && Object.hasOwn(schema, 'x-mcp-header')
  const sound = !isOnRoot && collect(schema, [], found) && !hidesAnnotation(schema, 0)
  const names = new Set(found.map(({ header }) => header.toLowerCase()))
  return sound && names.size === found.length ? found : undefined
}

/** Walks the `properties` chains, the only places where the annotation means something. */
function collect(schema: unknown, path: readonly string[], found: ParamHeader[]): boolean {
  if (!isObject(schema) || path.length > DEPTH_MAX) return true
  const properties = own(schema, 'properties')
  if (!isObject(properties)) return true
  return Object.entries(properties).every(([name, property]) => {
    if (!isObject(property)) return true
    const here = [...path, name]
    const header = own(property, 'x-mcp-header')
    if (header === undefined) return collect(property, here, found)
    const type = own(property, 'type')
    if (typeof header !== 'string' || !TOKEN.test(header) || !isMirrored(type)) return false
    found.push({ header: `Mcp-Param-${header}`, path: here, type })
    return true
  })
}

const isMirrored = (type: unknown): type is ParamHeader['type'] =>
  type === 'string' || type === 'integer' || type === 'boolean'

/** True when an annotation stands where it must not: in items, compositions, conditions or $defs. */
function hidesAnnotation(schema: unknown, depth: number): boolean {
  if (!isObject(schema) || depth > DEPTH_MAX) return false
  return Object.entries(schema).some(([key, value]) =>
    key === 'properties' && isObject(value)
      ? Object.values(value).some((property) => hidesAnnotation(property, depth + 1))
      : holdsAnnotation(value, depth + 1),
  )
}

function holdsAnnotation(value: Json | undefined, depth: number): boolean {
  if (depth > DEPTH_MAX) return false
  if (Array.isArray(value)) return value.some((item) => holdsAnnotation(item, depth + 1))
  if (!isObject(value)) return false
  return (
    Object.hasOwn(value, 'x-mcp-header') ||
    Object.values(value).some((inner) => holdsAnnotation(inner, depth + 1))
  )
}

/** A tool without the annotation, for schemas whose annotations no client would accept (F-027). */
export function stripParamHeaders(value: Json): Json {
  if (Array.isArray(value)) return value.map(stripParamHeaders)
  if (!isObject(value)) return value
  const kept = Object.entries(value).filter(([key]) => key !== 'x-mcp-header')
  const stripped: JsonObject = Object.fromEntries(
    kept.map(([key, inner]) => [key, inner === undefined ? inner : stripParamHeaders(inner)]),
  )
  return stripped
}
