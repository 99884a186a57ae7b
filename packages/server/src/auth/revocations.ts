import { hash } from 'node:crypto'
import { own, textAt } from '@countersign/contract'
import type { World } from '#base'
import { openCounted, type Records } from '#store'
import type { Log } from '#telemetry'
import { epochGroup } from './class-epochs.ts'
import { principalId, type Actor } from './principal.ts'

/**
 * What is revoked: one token by its id; all tokens of one consent; or everything that a principal, or
 * a client, was given until now. They may come back with something newer.
 */
export interface Revoked {
  readonly kind: 'token' | 'grant' | 'user' | 'client'
  /** `jti` (or digest), grant id, id of the principal, id of the client. */
  readonly id: string
}

/** What is known of a token, as far as it can be revoked by. */
export interface Issued {
  readonly id: string
  readonly tokenId?: string | undefined
  readonly grantId?: string | undefined
  readonly client?: string | undefined
  readonly actors?: readonly Actor[]
  /** Milliseconds since the epoch; what does not say is from before. */
  readonly issuedAt?: number | undefined
}

export interface Revocations {
  /** Here at once, everywhere else within a second. */
  readonly revoke: (what: Revoked) => Promise<void>
  /** Costs a few look-ups in memory: asked on each request. */
  readonly isRevoked: (issued: Issued) => boolean
  /** Calls `end` when this is revoked; returns how to stop that. */
  readonly whenRevoked: (issued: Issued, end: () => void) => () => void
  /** Calls `listener` when more is revoked than before, here or on another node. */
  readonly onRevoked: (listener: () => void) => void
  /** What others revoked is known here when it resolves. */
  readonly refresh: () => Promise<void>
  readonly close: () => void
}

export interface RevocationRooms {
  readonly world: World
  readonly log: Log
  readonly records: Records
  /** Whether other processes use these records too, so that theirs have to be looked for. */
  readonly isShared: boolean
}

const KIND = 'Revocation'
/** No token lives so long; what is older can be forgotten. */
const KEPT_MS = 400 * 24 * 3_600_000
const PAGE = 500

/** Revocations in memory, and in the records for other nodes and for the next start. */
export async function openRevocations(rooms: RevocationRooms): Promise<Revocations> {
  const { world, log, records, isShared } = rooms
  const known = new Known()
  const listeners = new Set<() => void>()
  const endRevoked = (): void => {
    known.endRevoked()
    for (const listener of listeners) listener()
  }
  const load = async (): Promise<void> => {
    await loadAll(records, known)
    endRevoked()
  }
  const onProblem = (cause: unknown): void => {
    log.warn({ cause: String(cause) }, 'revocations cannot be read')
  }
  const counted = await openCounted({ world, records, isShared, load, onProblem }, KIND)
  return {
    isRevoked: (issued) => known.isRevoked(issued),
    whenRevoked: (issued, end) => known.watch(issued, end),
    onRevoked: (listener) => void listeners.add(listener),
    refresh: counted.refresh,
    close: counted.close,
    revoke: async ({ kind, id }) => {
      const at = world.now()
      const what = keyOf(kind, id)
      known.add(what, at)
      endRevoked()
      const digest = hash('sha256', what, 'base64url')
      await records.put(KIND, digest, { what, at }, { until: at + KEPT_MS })
      await counted.changed()
      // What somebody consents to anew is what there is now.
      if (kind === 'user') await records.removeGroup(epochGroup(id))
    },
  }
}

/** What this process knows of, and what it has to end when it hears of more. */
class Known {
  /** Since when, in milliseconds since the epoch. */
  readonly #revoked = new Map<string, number>()
  readonly #watched = new Set<{ readonly issued: Issued; readonly end: () => void }>()

  add(key: string, at: number): void {
    this.#revoked.set(key, at)
  }

  isRevoked(issued: Issued): boolean {
    if (this.#revoked.size === 0) return false
    const { tokenId, grantId, issuedAt = 0 } = issued
    if (tokenId !== undefined && this.#revoked.has(keyOf('token', tokenId))) return true
    if (grantId !== undefined && this.#revoked.has(keyOf('grant', grantId))) return true
    return keysOf(issued).some((key) => {
      const at = this.#revoked.get(key)
      return at !== undefined && issuedAt <= at
    })
  }

  watch(issued: Issued, end: () => void): () => void {
    const one = { issued, end }
    this.#watched.add(one)
    return () => {
      this.#watched.delete(one)
    }
  }

  endRevoked(): void {
    for (const one of this.#watched) {
      if (!this.isRevoked(one.issued)) continue
      this.#watched.delete(one)
      one.end()
    }
  }
}

async function loadAll(records: Records, known: Known): Promise<void> {
  for (let after = ''; ;) {
    const page = await records.list(KIND, { after, limit: PAGE })
    for (const { value } of page) known.add(textAt(value, 'what'), atIn(own(value, 'at')))
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last.id
  }
}

const keyOf = (kind: Revoked['kind'], id: string): string => `${kind} ${id}`

/** Everybody it is for, or acts through: whoever of them is revoked takes it along. */
const keysOf = ({ id, client, actors = [] }: Issued): readonly string[] => [
  keyOf('user', id),
  ...(client === undefined ? [] : [keyOf('client', client)]),
  ...actors.flatMap(({ issuer, subject, client: by }) => [
    ...(issuer === undefined ? [] : [keyOf('user', principalId(issuer, subject) ?? '')]),
    ...(by === undefined ? [] : [keyOf('client', by)]),
  ]),
]

const atIn = (at: unknown): number => (typeof at === 'number' ? at : 0)
