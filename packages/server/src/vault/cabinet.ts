import { isObject, type JsonObject } from '@countersign/contract'
import type { Seal, World } from '#base'
import type { Records, Saved } from '#store'
import { makeBox, type Box } from './box.ts'
import { textAt, textsAt } from './fields.ts'
import { digest, makeSecrets, SECRET_KINDS, type Secrets } from './secrets.ts'

/** What a credential is kept under: never shown to another server, nor got from another issuer (OC5). */
interface Place {
  readonly server: string
  /** The principal's id; '' for the credential of the house itself. */
  readonly owner: string
  readonly issuer: string
  readonly resource: string
}

/** What is sealed. */
export interface Tokens {
  readonly accessToken: string
  readonly tokenType: 'bearer' | 'dpop'
  readonly refreshToken?: string
  /** Milliseconds since the epoch; undefined when the issuer does not say. */
  readonly expiresAt?: number
  /** From then on it is renewed before it is shown. */
  readonly renewAt?: number
  readonly scopes: readonly string[]
  /** The private key that the tokens are bound to. */
  readonly dpopKey?: JsonObject
  readonly clientId: string
}

type Status = 'connected' | 'reconnect_required'

export interface Credential extends Place {
  readonly tokens: Tokens
  readonly status: Status
  /** The sealed text, no two of which are equal: says whether somebody else wrote it meanwhile. */
  readonly sealed: string
}

/** What is known of a credential without opening it. */
export interface CredentialLine extends Place {
  readonly scopes: readonly string[]
  readonly expiresAt: number | undefined
  readonly tokenType: string
  readonly hasRefresh: boolean
  readonly isBound: boolean
  readonly clientId: string
  readonly status: Status
  readonly version: number
}

export interface Cabinet {
  /** The credential of this owner for this server: one at a time. */
  readonly find: (server: string, owner: string) => Promise<Credential | undefined>
  /** Written, sealed, before it resolves, over whatever there was. */
  readonly keep: (place: Place, tokens: Tokens) => Promise<Credential>
  /** The same for what follows on one that is there; undefined when it was removed meanwhile. */
  readonly renew: (old: Credential, tokens: Tokens) => Promise<Credential | undefined>
  /** False when somebody else wrote it meanwhile. */
  readonly mark: (credential: Credential, status: Status) => Promise<boolean>
  /** The credential is undefined when no key of ours opened it. */
  readonly remove: (server: string, owner: string) => Promise<Removed | undefined>
  readonly list: () => Promise<readonly CredentialLine[]>
  /** Wraps what is not wrapped with the first key with it; says how many there were. */
  readonly rekey: () => Promise<number>
  /** Other secrets, such as those of clients, by the text they belong to. */
  readonly secrets: Secrets
}

interface Removed {
  readonly credential: Credential | undefined
}

const KIND = 'Credential'
const PAGE = 200

/** Whether anything is sealed. */
export const hasCredentials = async (records: Records): Promise<boolean> =>
  (await records.list(KIND, { limit: 1 })).length > 0

/** Sealed rows: each under a data key of its own, which the master key wraps. */
export function makeCabinet(world: World, records: Records, master: Seal): Cabinet {
  const box = makeBox(world, master)
  const read = reader(box)
  const find = async (server: string, owner: string): Promise<Credential | undefined> => {
    const saved = await records.getByAlias(KIND, aliasOf(server, owner))
    if (!saved) return undefined
    const credential = read(saved)
    const isTheirs = credential.server === server && credential.owner === owner
    return isTheirs ? credential : undefined
  }
  return {
    find,
    renew: async (old, tokens) => {
      const id = idOf(old)
      for (;;) {
        const saved = await records.get(KIND, id)
        if (!saved) return undefined
        const value = rowOf(box, old, tokens, versionOf(saved.value) + 1)
        if (await records.swap(KIND, id, saved.revision, { value })) break
      }
      return find(old.server, old.owner)
    },
    keep: async (place, tokens) => {
      const id = idOf(place)
      const alias = aliasOf(place.server, place.owner)
      const old = await records.getByAlias(KIND, alias)
      // The issuer changed: what the old one gave is of no more use, and never shown to the new one.
      if (old && old.id !== id) await records.remove(KIND, old.id)
      await records.put(KIND, id, rowOf(box, place, tokens, versionOf(old?.value) + 1), { alias })
      const now = await find(place.server, place.owner)
      if (!now) throw new Error('a credential is gone right after it was written')
      return now
    },
    mark: async (credential, status) => {
      const id = idOf(credential)
      const saved = await records.get(KIND, id)
      if (!saved || textAt(saved.value, 'sealed') !== credential.sealed) return false
      return records.swap(KIND, id, saved.revision, { value: { ...saved.value, status } })
    },
    remove: async (server, owner) => {
      const saved = await records.getByAlias(KIND, aliasOf(server, owner))
      if (!saved) return undefined
      const credential = readable(() => read(saved))
      await records.remove(KIND, saved.id)
      return { credential }
    },
    list: async () => {
      const lines: CredentialLine[] = []
      for await (const saved of every(records, KIND)) lines.push(lineOf(saved))
      return lines
    },
    rekey: () => rekey(records, box),
    secrets: makeSecrets(records, box),
  }
}

/** Opens rows; one that did not change since is not opened again. */
function reader(box: Box): (saved: Saved) => Credential {
  const memory = new Map<string, Credential>()
  return ({ id, value }) => {
    const status = statusOf(value)
    const sealed = textAt(value, 'sealed')
    const known = memory.get(id)
    if (known?.sealed === sealed && known.status === status) return known
    const place = placeOf(value)
    // A row that was moved to another's place does not open there.
    if (idOf(place) !== id) throw new Error('a credential is not in its place')
    const tokens = tokensOf(box.open(id, aadOf(place), value))
    const credential = { ...place, tokens, status, sealed }
    if (memory.size >= OPENED_MAX) memory.clear()
    memory.set(id, credential)
    return credential
  }
}

async function rekey(records: Records, box: Box): Promise<number> {
  let count = 0
  for (const kind of [KIND, ...SECRET_KINDS]) {
    for await (const { id, revision, value } of every(records, kind)) {
      // Whoever wrote it meanwhile wrapped it with the new key.
      if (await records.swap(kind, id, revision, { value: box.rewrap(id, value) })) count += 1
    }
  }
  return count
}

function rowOf(box: Box, at: Place, tokens: Tokens, version: number): JsonObject {
  const { server, owner, issuer, resource } = at
  const place = { server, owner, issuer, resource }
  const status: Status = 'connected'
  const columns = { ...place, ...columnsOf(tokens), status, version }
  return { ...columns, ...box.close(idOf(place), aadOf(place), jsonOf(tokens)) }
}

/** Opening one costs microseconds, and calls of one principal come in rows. */
const OPENED_MAX = 1_000

async function* every(records: Records, kind: string): AsyncGenerator<Saved> {
  let after = ''
  for (;;) {
    const page = await records.list(kind, { after, limit: PAGE })
    yield* page
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last.id
  }
}

const aadOf = ({ server, owner, issuer, resource }: Place): string =>
  JSON.stringify(['countersign credential', server, owner, issuer, resource])
const idOf = (place: Place): string => digest(aadOf(place))
const aliasOf = (server: string, owner: string): string => digest(JSON.stringify([server, owner]))

const columnsOf = (tokens: Tokens): JsonObject => ({
  scopes: [...tokens.scopes],
  expiresAt: tokens.expiresAt ?? null,
  tokenType: tokens.tokenType,
  hasRefresh: tokens.refreshToken !== undefined,
  isBound: tokens.dpopKey !== undefined,
  clientId: tokens.clientId,
})

const jsonOf = (tokens: Tokens): JsonObject => ({
  accessToken: tokens.accessToken,
  tokenType: tokens.tokenType,
  refreshToken: tokens.refreshToken ?? null,
  expiresAt: tokens.expiresAt ?? null,
  renewAt: tokens.renewAt ?? null,
  scopes: [...tokens.scopes],
  dpopKey: tokens.dpopKey ?? null,
  clientId: tokens.clientId,
})

function tokensOf(json: JsonObject): Tokens {
  const { refreshToken, expiresAt, renewAt, scopes, dpopKey } = json
  return {
    accessToken: textAt(json, 'accessToken'),
    tokenType: json['tokenType'] === 'dpop' ? 'dpop' : 'bearer',
    scopes: Array.isArray(scopes) ? scopes.map(String) : [],
    clientId: textAt(json, 'clientId'),
    ...(typeof refreshToken === 'string' ? { refreshToken } : {}),
    ...(typeof expiresAt === 'number' ? { expiresAt } : {}),
    ...(typeof renewAt === 'number' ? { renewAt } : {}),
    ...(isObject(dpopKey) ? { dpopKey } : {}),
  }
}

const placeOf = (value: JsonObject): Place => ({
  server: textAt(value, 'server'),
  owner: textAt(value, 'owner'),
  issuer: textAt(value, 'issuer'),
  resource: textAt(value, 'resource'),
})

const statusOf = ({ status }: JsonObject): Status =>
  status === 'connected' ? 'connected' : 'reconnect_required'

const versionOf = (value: JsonObject | undefined): number => Number(value?.['version'] ?? 0)

function lineOf({ value }: Saved): CredentialLine {
  return {
    ...placeOf(value),
    scopes: textsAt(value, 'scopes'),
    expiresAt: typeof value['expiresAt'] === 'number' ? value['expiresAt'] : undefined,
    tokenType: textAt(value, 'tokenType'),
    hasRefresh: value['hasRefresh'] === true,
    isBound: value['isBound'] === true,
    clientId: textAt(value, 'clientId'),
    status: statusOf(value),
    version: versionOf(value),
  }
}

/** What no key opens can still be removed. */
function readable<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
