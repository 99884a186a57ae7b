import { own, textAt, type JsonObject } from '@countersign/contract'
import type { AdapterPayload } from 'oidc-provider'
import type { Seal } from '#base'
import type { Records } from '#store'

const KIND = 'oauth.Client'
const ACCESS = 'oauth.ClientAccess'
const SEALED_AS = 'oauth client secret'

/** What a client may have without anybody consenting: an administrator said so. */
export interface MachineAccess {
  /** Names of views; '' is the view of all servers. */
  readonly views: readonly string[]
  readonly scopes: readonly string[]
}

export interface RegisteredClient {
  readonly id: string
  readonly name: string
  readonly method: string
  readonly redirectUris: readonly string[]
  readonly access: MachineAccess | undefined
  /** Who put it there: an administrator, or the client itself (RFC 7591). */
  readonly by: 'admin' | 'registration'
}

/** The clients that are kept here, by id; those that describe themselves at a URL are not. */
export interface Clients {
  readonly find: (id: string) => Promise<AdapterPayload | undefined>
  readonly accessOf: (id: string) => Promise<MachineAccess | undefined>
  /** False when there is one of this id. */
  readonly add: (
    client: AdapterPayload & { readonly client_id: string },
    by: RegisteredClient['by'],
  ) => Promise<boolean>
  readonly allow: (id: string, access: MachineAccess) => Promise<void>
  readonly remove: (id: string) => Promise<boolean>
  readonly list: () => Promise<readonly RegisteredClient[]>
}

export function keptClients(records: Records, seal: Seal): Clients {
  const accessOf: Clients['accessOf'] = async (id) => {
    const found = await records.get(ACCESS, id)
    return found && accessIn(found.value)
  }
  return {
    accessOf,
    find: async (id) => {
      const found = await records.get(KIND, id)
      const text = found && own(found.value, 'sealed')
      const plain = typeof text === 'string' ? seal.open(SEALED_AS, text) : undefined
      return plain === undefined ? undefined : JSON.parse(plain)
    },
    add: (client, by) =>
      records.add(KIND, client.client_id, {
        sealed: seal.seal(SEALED_AS, JSON.stringify(client)),
        by,
        name: client.client_name ?? client.client_id,
        method: client.token_endpoint_auth_method ?? 'none',
        redirectUris: client.redirect_uris ?? [],
      }),
    allow: (id, { views, scopes }) =>
      records.put(ACCESS, id, { views: [...views], scopes: [...scopes] }),
    remove: async (id) => {
      const removed = await Promise.all([records.remove(KIND, id), records.remove(ACCESS, id)])
      return removed.includes(true)
    },
    list: async () => {
      const [kept, access] = await Promise.all([everyOf(records, KIND), everyOf(records, ACCESS)])
      const allowed = new Map(access.map(({ id, value }) => [id, accessIn(value)]))
      const known = kept.map(({ id, value }) => clientIn(id, value, allowed.get(id)))
      const others = [...allowed].filter(([id]) => !kept.some((one) => one.id === id))
      const described = others.map(([id, one]) => clientIn(id, { name: id, by: 'admin' }, one))
      return [...known, ...described]
    },
  }
}

const PAGE = 500

async function everyOf(
  records: Records,
  kind: string,
): Promise<readonly { readonly id: string; readonly value: JsonObject }[]> {
  const all: { readonly id: string; readonly value: JsonObject }[] = []
  for (let after = ''; ;) {
    const page = await records.list(kind, { after, limit: PAGE })
    all.push(...page)
    const last = page.at(-1)
    if (!last || page.length < PAGE) return all
    after = last.id
  }
}

const textsIn = (value: JsonObject, key: string): readonly string[] => {
  const list = own(value, key)
  return Array.isArray(list) ? list.map(String) : []
}

const accessIn = (value: JsonObject): MachineAccess => ({
  views: textsIn(value, 'views'),
  scopes: textsIn(value, 'scopes'),
})

const clientIn = (
  id: string,
  value: JsonObject,
  access: MachineAccess | undefined,
): RegisteredClient => ({
  id,
  name: textAt(value, 'name') || id,
  method: textAt(value, 'method') || 'private_key_jwt',
  redirectUris: textsIn(value, 'redirectUris'),
  access,
  by: own(value, 'by') === 'registration' ? 'registration' : 'admin',
})
