import { own, type JsonObject } from '@countersign/contract'
import { errors, type Adapter, type AdapterFactory, type AdapterPayload } from 'oidc-provider'
import { digestOf, type Seal, type World } from '#base'
import type { Records } from '#store'

/** Kinds of records that belong to the authorization server. */
const kindOf = (model: string): string => `oauth.${model}`

export interface AdapterRooms {
  readonly world: World
  readonly records: Records
  readonly seal: Seal
  /** What a registered client is, by its id. */
  readonly clientOf: (id: string) => Promise<AdapterPayload | undefined>
  /** All that was given with a consent is over: access tokens too, on every node. */
  readonly onReuse: (grantId: string) => Promise<void>
  /** Where it keeps a client that registered itself (RFC 7591). */
  readonly keepClient: (id: string, client: AdapterPayload) => Promise<void>
}

/**
 * What the provider keeps, as records. Codes, refresh tokens and cookies are found by their digest and
 * their content is sealed, so whoever reads the database can show none of them (RS26).
 */
export const recordAdapter =
  (rooms: AdapterRooms): AdapterFactory =>
  (model) => {
    if (model === 'Client') return clientAdapter(rooms)
    return model === 'ReplayDetection' ? replayAdapter(rooms) : documentAdapter(rooms, model)
  }

function documentAdapter(rooms: AdapterRooms, model: string): Adapter {
  const { world, records, seal, onReuse } = rooms
  const kind = kindOf(model)
  const opened = (found: Awaited<ReturnType<Records['get']>>): AdapterPayload | undefined => {
    if (!found) return undefined
    const text = own(found.value, 'sealed')
    const plain = typeof text === 'string' ? seal.open(kind, text) : undefined
    if (plain === undefined) return undefined
    const payload: AdapterPayload = JSON.parse(plain)
    return found.usedAt === undefined
      ? payload
      : { ...payload, consumed: Math.floor(found.usedAt / 1_000) }
  }
  return {
    upsert: async (id, payload, expiresIn) => {
      const alias = aliasOf(payload)
      const group = model === 'Grant' ? id : payload.grantId
      await records.put(
        kind,
        digestOf(id),
        { sealed: seal.seal(kind, JSON.stringify(payload)), ...plainOf(model, payload) },
        {
          ...untilOf(world, expiresIn),
          ...(group === undefined ? {} : { group }),
          ...(alias === undefined ? {} : { alias }),
        },
      )
    },
    find: async (id) => opened(await records.get(kind, digestOf(id))),
    findByUid: async (uid) => opened(await records.getByAlias(kind, digestOf(uid))),
    findByUserCode: async () => undefined, // No device flow is offered.
    consume: async (id) => {
      // Of many at once, one, whatever each read before; and the others are somebody else's
      // copies, so nothing that came of it is good any more (OAuth 2.1 §4.3.1, AS18).
      if (await records.use(kind, digestOf(id))) return
      const group = (await records.get(kind, digestOf(id)))?.group
      if (group !== undefined) {
        await records.removeGroup(group)
        await onReuse(group)
      }
      throw new errors.InvalidGrant('it was used before')
    },
    destroy: async (id) => {
      await records.remove(kind, digestOf(id))
    },
    revokeByGrantId: async (grantId) => {
      await records.removeGroup(grantId)
    },
  }
}

/** A JWT that authenticates a client, or proves a key, is good once: the insert decides (DP5). */
function replayAdapter({ world, records }: AdapterRooms): Adapter {
  const kind = kindOf('ReplayDetection')
  return {
    ...NOTHING,
    upsert: async (id, payload, expiresIn) => {
      const value: JsonObject = JSON.parse(JSON.stringify(payload))
      // Whatever `find` said before: of many at once, the insert lets one through.
      const isFirst = await records.add(kind, digestOf(id), value, untilOf(world, expiresIn))
      if (!isFirst) throw new errors.InvalidGrant('this JWT was used before')
    },
    find: async (id) => {
      const found = await records.get(kind, digestOf(id))
      return found && { ...found.value }
    },
  }
}

const clientAdapter = ({ clientOf, keepClient }: AdapterRooms): Adapter => ({
  ...NOTHING,
  find: clientOf,
  upsert: (id, payload) => keepClient(id, payload),
})

const NOTHING: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
}

const untilOf = (world: World, expiresIn: number | undefined) =>
  expiresIn === undefined ? {} : { until: world.now() + expiresIn * 1_000 }

function aliasOf({ kind, uid }: AdapterPayload): string | undefined {
  return kind === 'Session' && uid !== undefined ? digestOf(uid) : undefined
}

/** What a list of grants shows, and no secret. */
function plainOf(model: string, { accountId, clientId }: AdapterPayload): JsonObject {
  if (model !== 'Grant' && model !== 'RefreshToken') return {}
  return { account: accountId, client: clientId }
}
