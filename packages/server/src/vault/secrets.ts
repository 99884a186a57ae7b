import { createHash } from 'node:crypto'
import type { JsonObject } from '@countersign/contract'
import type { Keep, Records, Saved } from '#store'
import type { Box } from './box.ts'

/** Sealed records beside credentials: clients, keys, what is under way, statements about people. */
export const SECRET_KINDS = ['UpstreamClient', 'UpstreamKey', 'Connecting', 'Identity'] as const
type SecretKind = (typeof SECRET_KINDS)[number]

/** By a text that only its digest is kept of, so that one who reads the store cannot use it. */
export interface Secrets {
  readonly put: (kind: SecretKind, id: string, value: JsonObject, keep?: Keep) => Promise<void>
  /** Writes it unless there is one of this id or alias. */
  readonly add: (kind: SecretKind, id: string, value: JsonObject, keep?: Keep) => Promise<boolean>
  /** For the first who takes it. */
  readonly take: (kind: SecretKind, id: string) => Promise<JsonObject | undefined>
  /** Writes it unless there is one; answers what is there then. */
  readonly first: (kind: SecretKind, id: string, value: JsonObject) => Promise<JsonObject>
  readonly get: (kind: SecretKind, id: string) => Promise<JsonObject | undefined>
  readonly getByAlias: (kind: SecretKind, alias: string) => Promise<JsonObject | undefined>
  readonly remove: (kind: SecretKind, id: string) => Promise<void>
}

export function makeSecrets(records: Records, box: Box): Secrets {
  const opened = (kind: SecretKind, saved: Saved | undefined): JsonObject | undefined =>
    saved && box.open(saved.id, kind + saved.id, saved.value)
  const closed = (kind: SecretKind, key: string, value: JsonObject): JsonObject =>
    box.close(key, kind + key, value)
  return {
    put: (kind, id, value, keep) =>
      records.put(kind, digest(id), closed(kind, digest(id), value), hidden(keep)),
    add: (kind, id, value, keep) =>
      records.add(kind, digest(id), closed(kind, digest(id), value), hidden(keep)),
    first: async (kind, id, value) => {
      await records.add(kind, digest(id), closed(kind, digest(id), value))
      return opened(kind, await records.get(kind, digest(id))) ?? value
    },
    take: async (kind, id) => {
      const saved = await records.get(kind, digest(id))
      if (!saved || !(await records.use(kind, saved.id))) return undefined
      await records.remove(kind, saved.id)
      return opened(kind, saved)
    },
    get: async (kind, id) => opened(kind, await records.get(kind, digest(id))),
    getByAlias: async (kind, alias) => opened(kind, await records.getByAlias(kind, digest(alias))),
    remove: async (kind, id) => {
      await records.remove(kind, digest(id))
    },
  }
}

const hidden = (keep: Keep = {}): Keep =>
  keep.alias === undefined ? keep : { ...keep, alias: digest(keep.alias) }

export const digest = (text: string): string =>
  createHash('sha256').update(text).digest('base64url')
