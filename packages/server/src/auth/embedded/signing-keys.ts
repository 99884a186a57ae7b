import { own, textAt, type JsonObject } from '@countersign/contract'
import {
  createLocalJWKSet,
  errors,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'
import { newId, type Seal, type World } from '#base'
import type { Records, Saved } from '#store'

const KIND = 'oauth.keys'
const ID = 'current'
const SEALED_AS = 'oauth key'
export const SIGNING_ALGORITHM = 'ES256'

/** A new key is published this long before it signs: whoever keeps our keys has it by then. */
const AHEAD_MS = 10 * 60_000
/** How long what another node changed may go unseen. */
const LOOK_MS = 5_000
/** A key that nobody knows makes us look at once, but not for every token that names one. */
const LOOK_AGAIN_MS = 1_000
const SECRET_BYTES = 32
/** Cookies and nonces that were made before a rotation are good until the next. */
const SECRETS_MAX = 2

interface StoredKey {
  readonly kid: string
  readonly sealed: string
  readonly signsFrom: number
  /** The last token that it signed is no longer good from then on. */
  readonly until: number | undefined
}

/** One key of ours, with its private part. */
interface SigningKey extends StoredKey {
  readonly jwk: JWK
}

/** What we sign with. All of it is sealed where it is kept. */
export interface SigningKeys {
  /** Those that are published, the one that signs now first. */
  readonly keys: () => readonly SigningKey[]
  /** For cookies and nonces, the newest first. */
  readonly secrets: () => readonly Buffer[]
  /** Verifies what we signed, without asking anybody. */
  readonly verify: JWTVerifyGetKey
  /** Reads what another node may have changed, now and then. True: it is not what it was. */
  readonly look: () => Promise<boolean>
  /** Makes the next key; the one that signs now is published until its last token is over. */
  readonly rotate: () => Promise<{ readonly kid: string; readonly signsFrom: number }>
}

export interface KeyRooms {
  readonly world: World
  readonly records: Records
  readonly seal: Seal
}

export async function openSigningKeys(rooms: KeyRooms, tokenMs: number): Promise<SigningKeys> {
  const { world, records } = rooms
  if (!(await records.get(KIND, ID))) {
    // Of several nodes that start at once, one makes the first key.
    await records.add(KIND, ID, valueOf([await makeKey(rooms, world.now())], [makeSecret(rooms)]))
  }
  let state = await read(rooms)
  let lookedAt = world.monotonic()
  let order = orderOf(state, world.now())
  const look = async (afterMs = LOOK_MS): Promise<boolean> => {
    if (world.monotonic() - lookedAt < afterMs) return false
    lookedAt = world.monotonic()
    state = await read(rooms)
    // Another node may have made one; and time alone changes which one signs.
    const before = order
    order = orderOf(state, world.now())
    return before !== order
  }
  const published = (): readonly SigningKey[] => inOrder(state.keys, world.now())
  return {
    keys: published,
    secrets: () => state.secrets,
    look: () => look(),
    verify: async (header, token) => {
      const known = (): boolean => published().some(({ kid }) => kid === header.kid)
      if (!known()) await look(LOOK_AGAIN_MS)
      if (!known()) throw new errors.JWKSNoMatchingKey()
      return createLocalJWKSet({ keys: published().map(({ jwk }) => publicPart(jwk)) })(
        header,
        token,
      )
    },
    rotate: async () => {
      const now = world.now()
      const signsFrom = now + AHEAD_MS
      const next = await makeKey(rooms, signsFrom)
      const until = signsFrom + tokenMs + AHEAD_MS
      for (;;) {
        const at = await read(rooms)
        const kept = at.stored
          .filter((key) => key.until === undefined || key.until > now)
          .map((key) => ({ ...key, until: key.until ?? until }))
        const secrets = [makeSecret(rooms), ...at.sealedSecrets].slice(0, SECRETS_MAX)
        const value = valueOf([...kept, next], secrets)
        if (await records.swap(KIND, ID, at.revision, { value })) break
      }
      state = await read(rooms)
      return { kid: next.kid, signsFrom }
    },
  }
}

const makeSecret = ({ world, seal }: KeyRooms): string =>
  seal.seal(SEALED_AS, world.random(SECRET_BYTES).toString('base64url'))

interface State {
  readonly revision: number
  readonly stored: readonly StoredKey[]
  readonly keys: readonly SigningKey[]
  readonly sealedSecrets: readonly string[]
  readonly secrets: readonly Buffer[]
}

async function makeKey({ world, seal }: KeyRooms, signsFrom: number): Promise<StoredKey> {
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
  const kid = newId(world, 'key')
  const jwk = { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: SIGNING_ALGORITHM }
  return { kid, sealed: seal.seal(SEALED_AS, JSON.stringify(jwk)), signsFrom, until: undefined }
}

async function read({ records, seal }: KeyRooms): Promise<State> {
  const saved = await records.get(KIND, ID)
  if (!saved) throw new Error('the signing keys are gone')
  const { stored, sealedSecrets } = storedIn(saved)
  const open = (text: string): string => {
    const plain = seal.open(SEALED_AS, text)
    if (plain !== undefined) return plain
    throw new Error('a signing key cannot be opened: is this the seal.key that it was sealed with?')
  }
  return {
    revision: saved.revision,
    stored,
    sealedSecrets,
    keys: stored.map((key) => ({ ...key, jwk: JSON.parse(open(key.sealed)) })),
    secrets: sealedSecrets.map((text) => Buffer.from(open(text), 'base64url')),
  }
}

function storedIn({ value }: Saved): {
  readonly stored: readonly StoredKey[]
  readonly sealedSecrets: readonly string[]
} {
  const keys = own(value, 'keys')
  const secrets = own(value, 'secrets')
  const stored = (Array.isArray(keys) ? keys : []) as readonly JsonObject[]
  return {
    stored: stored.map((key) => ({
      kid: textAt(key, 'kid'),
      sealed: textAt(key, 'sealed'),
      signsFrom: Number(key['signsFrom']),
      until: typeof key['until'] === 'number' ? key['until'] : undefined,
    })),
    sealedSecrets: (Array.isArray(secrets) ? secrets : []).map(String),
  }
}

const valueOf = (keys: readonly StoredKey[], secrets: readonly string[]): JsonObject => ({
  keys: keys.map(({ until, ...key }) => ({ ...key, ...(until === undefined ? {} : { until }) })),
  secrets: [...secrets],
})

/** The newest that may sign already comes first; those that nothing good was signed with are out. */
function inOrder(keys: readonly SigningKey[], now: number): readonly SigningKey[] {
  const live = keys.filter(({ until }) => until === undefined || until > now)
  const signs = live
    .filter(({ signsFrom }) => signsFrom <= now)
    .toSorted((a, b) => b.signsFrom - a.signsFrom)
  return [...signs, ...live.filter(({ signsFrom }) => signsFrom > now)]
}

const orderOf = ({ keys, revision }: State, now: number): string =>
  [revision, ...inOrder(keys, now).map(({ kid }) => kid)].join(' ')

/** All that anybody else may know of it. */
function publicPart(jwk: JWK): JWK {
  const told: JWK = { ...jwk }
  delete told.d
  return told
}
