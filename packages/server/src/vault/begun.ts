import { Fault, type JsonObject } from '@countersign/contract'
import { newId, type World } from '#base'
import type { Cabinet } from './cabinet.ts'
import { unionOf } from './challenge.ts'
import type { Connection } from './connecting.ts'
import { textAt, textsAt } from './fields.ts'

/** What is kept of a connection that was begun. */
export interface Begun extends Connection {
  /** '' is the house. */
  readonly owner: string
  /** Undefined: whoever has the URL, which only an operator was shown. */
  readonly requester: string | undefined
  readonly until: number
}

/** Who may open the page, and for what. */
interface Beginning {
  readonly server: string
  readonly owner: string
  readonly requester: string | undefined
  readonly scopes: readonly string[]
}

export interface Beginnings {
  readonly open: (beginning: Beginning) => Promise<{ readonly id: string }>
  readonly find: (id: string) => Promise<Begun | undefined>
}

const KIND = 'Connecting'
/** How long somebody may take to open the page. */
const BEGUN_MS = 60 * 60_000
/** Two that begin the same at once meet in the end. */
const TRIES_MAX = 5

export function makeBeginnings(world: World, { secrets }: Cabinet): Beginnings {
  return {
    open: async ({ server, owner, requester, scopes: wanted }) => {
      const alias = JSON.stringify([server, owner, requester ?? null])
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const there = await secrets.getByAlias(KIND, alias)
        const last = there && begunIn(there)
        const isOpen = last !== undefined && last.until - world.now() > BEGUN_MS / 2
        if (last && !isOpen) await secrets.remove(KIND, last.id)
        const fresh = { id: newId(world, 'connect'), until: world.now() + BEGUN_MS, scopes: [] }
        const { id, until, scopes: before } = isOpen ? last : fresh
        const scopes = [...unionOf(before, wanted)]
        const value: JsonObject = { id, server, owner, requester: requester ?? null, scopes, until }
        const keep = { until, alias }
        if (isOpen) await secrets.put(KIND, id, value, keep)
        if (isOpen || (await secrets.add(KIND, id, value, keep))) return { id }
      }
      throw new Fault('upstream/unavailable', `Connecting ${server} is being begun elsewhere.`)
    },
    find: async (id) => {
      const there = await secrets.get(KIND, id)
      // A state is kept beside them, and is no page.
      return textAt(there, 'id') === id && there ? begunIn(there) : undefined
    },
  }
}

function begunIn(row: JsonObject): Begun {
  const owner = textAt(row, 'owner')
  const requester = textAt(row, 'requester')
  return {
    id: textAt(row, 'id'),
    server: textAt(row, 'server'),
    owner,
    principal: owner === '' ? undefined : owner,
    requester: requester === '' ? undefined : requester,
    issuer: undefined,
    scopes: textsAt(row, 'scopes'),
    until: Number(row['until']),
  }
}

export const stale = (): Fault =>
  new Fault('http/not-found', 'This connection is over. Begin it again where you came from.')
/** OC20, OC21: whoever opens the page is whoever asked for it. */
export const foreign = (): Fault =>
  new Fault('http/forbidden', 'Somebody else asked for this connection. Sign in as that person.')
