import { own, textAt, type Json, type JsonObject } from '@countersign/contract'
import type { PolicyVersionDetail } from '@countersign/contract/admin-policy'
import type { Records } from '#store'
import type { PolicyFile } from './parse-set.ts'

/** A set of policies that was in force, with who put it there. */
export type PolicyVersionKept = Omit<PolicyVersionDetail, 'isInForce'>

/** Every set that was in force, the newest first; the records of all nodes are one. */
export interface PolicyVersions {
  readonly latest: () => Promise<PolicyVersionKept | undefined>
  readonly get: (number: number) => Promise<PolicyVersionKept | undefined>
  readonly list: (limit: number) => Promise<readonly PolicyVersionKept[]>
  /** False when there is a version of this number already. */
  readonly add: (version: PolicyVersionKept) => Promise<boolean>
  /** Whether the ledger tells of it: what a crash came before is told at the next start. */
  readonly isNoted: (number: number) => Promise<boolean>
  readonly noted: (number: number) => Promise<void>
}

const KIND = 'PolicyVersion'
const NOTED = 'PolicyVersionNoted'
/** Ids count down, so that the newest comes first. */
const LAST = 999_999_999_999
/** Older ones are forgotten: the ledger has their digests for ever. */
const KEPT_MAX = 500

const idOf = (number: number): string => String(LAST - number).padStart(12, '0')

export function policyVersions(records: Records): PolicyVersions {
  const list = async (limit: number): Promise<readonly PolicyVersionKept[]> =>
    (await records.list(KIND, { limit })).map(({ id, value }) => keptIn(LAST - Number(id), value))
  return {
    list,
    latest: async () => (await list(1))[0],
    get: async (number) => {
      const saved = await records.get(KIND, idOf(number))
      return saved && keptIn(number, saved.value)
    },
    add: async ({ number, ...version }) => {
      const isNew = await records.add(KIND, idOf(number), valueOf(version))
      if (isNew && number > KEPT_MAX) await records.remove(KIND, idOf(number - KEPT_MAX))
      return isNew
    },
    isNoted: async (number) => (await records.get(NOTED, idOf(number))) !== undefined,
    noted: async (number) => {
      await records.put(NOTED, idOf(number), {})
      await records.remove(NOTED, idOf(number - 1))
    },
  }
}

const valueOf = ({ files, ...said }: Omit<PolicyVersionKept, 'number'>): JsonObject => ({
  ...JSON.parse(JSON.stringify(said)),
  files: files.map(({ name, text }) => [name, text]),
})

/** What we wrote ourselves is read as it was written. */
function keptIn(number: number, value: JsonObject): PolicyVersionKept {
  const text = (name: string): string => textAt(value, name)
  const reason = own(value, 'reason')
  return {
    number,
    at: Number(own(value, 'at')),
    digest: text('digest'),
    author: text('author'),
    source: text('source') === 'folder' ? 'folder' : 'admin',
    ...(typeof reason === 'string' ? { reason } : {}),
    policies: Number(own(value, 'policies')),
    added: textsIn(own(value, 'added')),
    removed: textsIn(own(value, 'removed')),
    changed: textsIn(own(value, 'changed')),
    files: filesIn(own(value, 'files')),
  }
}

const textsIn = (list: Json | undefined): string[] =>
  Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []

const filesIn = (list: Json | undefined): PolicyFile[] =>
  Array.isArray(list)
    ? list.flatMap((one) => {
        const [name, text] = textsIn(one)
        return name === undefined || text === undefined ? [] : [{ name, text }]
      })
    : []

type Texts = readonly { readonly id: string; readonly text: string }[]

/** The ids of the policies that differ. */
export function changeBetween(before: Texts, after: Texts) {
  const old = new Map(before.map(({ id, text }) => [id, text]))
  const now = new Map(after.map(({ id, text }) => [id, text]))
  const ids = (list: Texts, isWanted: (id: string, text: string) => boolean): string[] =>
    list.flatMap(({ id, text }) => (isWanted(id, text) ? [id] : [])).slice(0, IDS_MAX)
  return {
    added: ids(after, (id) => !old.has(id)),
    removed: ids(before, (id) => !now.has(id)),
    changed: ids(after, (id, text) => old.has(id) && old.get(id) !== text),
  }
}

/** The most ids that one entry tells of each kind. */
const IDS_MAX = 200
