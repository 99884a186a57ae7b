import { hash } from 'node:crypto'

/** The longest name every client measured keeps whole. */
const NAME_CHARS_MAX = 45
const HEAD_CHARS = 36
const HASH_CHARS = 8

/** A thing that needs a name in an aggregated view. */
export interface Named {
  readonly server: string
  readonly name: string
}

/**
 * One exposed name for each thing, in the order given: `{server}_{name}` in lower case, only
 * `[a-z0-9_]`, at most 45 characters, no `__`, no `_mcp_`, no leading `mcp`. What is cut or would
 * collide carries a hash of the original, all of the colliding ones alike: never "first wins", so a
 * name does not depend on what else is configured first.
 */
export function exposedNames(things: readonly Named[]): readonly string[] {
  const plain = things.map((thing) => `${plainName(thing.server)}_${plainName(thing.name)}`)
  const counts = new Map<string, number>()
  for (const name of plain.map(settled)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return things.map((thing, at) => {
    const name = settled(plain[at] ?? '')
    const isUnique = counts.get(name) === 1
    return isUnique && name.length <= NAME_CHARS_MAX ? name : hashed(name, thing)
  })
}

const plainName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')

/** The rules about the whole name: clients split at `__` and `_mcp_`, and Gemini strips a leading `mcp`. */
function settled(name: string): string {
  const squeezed = name.replaceAll(/_+/g, '_').replaceAll(/^_|_$/g, '')
  const split = squeezed.replaceAll(/_mcp(?=_)/g, '_m')
  return /^(?:mcp|[0-9])/.test(split) ? `s_${split}` : split
}

function hashed(name: string, { server, name: original }: Named): string {
  const digest = hash('sha256', `${server}\0${original}`, 'hex').slice(0, HASH_CHARS)
  return `${name.slice(0, HEAD_CHARS).replace(/_$/, '')}_${digest}`
}
