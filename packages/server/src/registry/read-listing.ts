import {
  canonical,
  isObject,
  own,
  type Definition,
  type JsonObject,
  type Kind,
} from '@countersign/contract'
import { digestOf } from '#base'
import type { Listing } from '#upstream'
import { readParamHeaders } from './param-headers.ts'

/** The name under which the server itself knows a definition. */
const NAME_KEY = { tool: 'name', prompt: 'name', resource: 'uri', template: 'uriTemplate' } as const

/** The longest name taken, in characters: names are stored, shown, and compared again and again. */
const NAME_CHARS_MAX = { tool: 512, prompt: 512, resource: 2_048, template: 2_048 } as const
/** As much of a longer one as the operator needs to find it. */
const HEAD_CHARS = 40

export interface ReadListing {
  readonly sound: readonly Definition[]
  readonly problems: readonly string[]
}

/** Sorts by name, so that lists are deterministic (F-003), and drops what strict clients die of (F-015). */
export function readListing(
  server: string,
  kind: Kind,
  listing: Listing | undefined,
  isMirrored: boolean,
): ReadListing {
  const problems = [...(listing?.problems ?? [])]
  const sound = new Map<string, Definition>()
  for (const body of listing?.items ?? []) {
    const name = own(body, NAME_KEY[kind])
    const fault = flaw(kind, body, name, isMirrored)
    if (fault !== undefined || typeof name !== 'string') problems.push(`${kind}: ${fault ?? ''}`)
    else if (sound.has(name)) problems.push(`${kind} ${name}: listed twice; the first one counts`)
    else sound.set(name, { server, kind, name, digest: digestOf(canonical(body)), body })
  }
  return { sound: [...sound.values()].toSorted(byName), problems }
}

const byName = (a: Definition, b: Definition): number => (a.name < b.name ? -1 : 1)

function flaw(
  kind: Kind,
  body: JsonObject,
  name: unknown,
  isMirrored: boolean,
): string | undefined {
  if (typeof name !== 'string' || name === '') return `one without "${NAME_KEY[kind]}" is left out`
  if (name.length > NAME_CHARS_MAX[kind]) {
    const head = name.slice(0, HEAD_CHARS).toWellFormed()
    return `${head}…: its ${NAME_KEY[kind]} has ${String(name.length)} characters, more than ${String(NAME_CHARS_MAX[kind])}; it is left out`
  }
  if (kind !== 'tool') return undefined
  const schema = own(body, 'inputSchema')
  // F-008: the input schema is an object schema; one malformed tool takes a strict client's list down.
  if (!isObject(schema) || own(schema, 'type') !== 'object') {
    return `${name}: its inputSchema is not of type "object"; it is left out`
  }
  // F-021: over modern HTTP such a tool cannot be called by the rules, so it is not offered.
  if (isMirrored && readParamHeaders(schema) === undefined) {
    return `${name}: its x-mcp-header annotations break the rules; it is left out`
  }
  return undefined
}
