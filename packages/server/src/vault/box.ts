import { isObject, type JsonObject } from '@countersign/contract'
import { makeSeal, type Seal, type World } from '#base'
import { textAt } from './fields.ts'

/** Seals the content of a record under a data key of its own, which the master key wraps. */
export interface Box {
  readonly close: (id: string, aad: string, content: JsonObject) => JsonObject
  readonly open: (id: string, aad: string, row: JsonObject) => JsonObject
  /** The same, wrapped with the master key of now. */
  readonly rewrap: (id: string, row: JsonObject) => JsonObject
}

const KEY_BYTES = 32
const wrapFor = (id: string): string => `vault data key of ${id}`

export function makeBox(world: World, master: Seal): Box {
  const keyOf = (id: string, row: JsonObject): string => {
    const key = master.open(wrapFor(id), textAt(row, 'key'))
    if (key === undefined) throw new Error('no key of the vault opens a credential')
    return key
  }
  return {
    close: (id, aad, content) => {
      const key = world.random(KEY_BYTES)
      return {
        key: master.seal(wrapFor(id), key.toString('base64url')),
        sealed: makeSeal(world, [key]).seal(aad, JSON.stringify(content)),
      }
    },
    open: (id, aad, row) => {
      const seal = makeSeal(world, [Buffer.from(keyOf(id, row), 'base64url')])
      const content = seal.open(aad, textAt(row, 'sealed'))
      const parsed: unknown = content === undefined ? undefined : JSON.parse(content)
      if (!isObject(parsed)) throw new Error('a credential was changed where it is kept')
      return parsed
    },
    rewrap: (id, row) => ({ ...row, key: master.seal(wrapFor(id), keyOf(id, row)) }),
  }
}
