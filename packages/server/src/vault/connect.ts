import { Fault } from '@countersign/contract'
import { finish, send, type ConnectRooms } from './authorize.ts'
import { foreign, makeBeginnings, stale } from './begun.ts'
import type { Connected, Connecting } from './connecting.ts'
import { explained } from './current.ts'
import type { Known } from './round.ts'

/** What is offered to operators beside what pages and calls need. */
export interface Connect extends Connecting {
  /** A page for the house's own credential, or for one principal. Only an operator is shown it. */
  readonly beginFor: (
    server: string,
    principal: string | undefined,
  ) => Promise<{ readonly id: string }>
}

/** Who has no account, on a machine where there are none. */
export const LOCAL_ID = 'local'

export function makeConnect(rooms: ConnectRooms): Connect {
  const { world, cabinet, known } = rooms
  const beginnings = makeBeginnings(world, cabinet)
  const listeners = new Set<(connected: Connected) => void>()
  const open = (
    { id: server, auth }: Known,
    who: { readonly owner: string; readonly requester: string | undefined },
    scopes: readonly string[],
  ): Promise<{ readonly id: string }> => {
    if (auth.grant === 'authorization_code') return beginnings.open({ server, ...who, scopes })
    throw new Fault('upstream/unavailable', `Nobody can connect ${server}: it asks no person.`)
  }
  return {
    begin: async (id, who, { scopes } = { scopes: [] }) => {
      const server = known(id)
      const requester = who.id
      if (server.auth.per === 'principal') return open(server, { owner: who.id, requester }, scopes)
      return who.proof === 'local' ? open(server, { owner: '', requester }, scopes) : undefined
    },
    beginFor: async (id, principal = LOCAL_ID) => {
      const server = knownOr(rooms, id)
      const isOurs = server.auth.per === 'service'
      const owner = isOurs ? '' : principal
      return open(server, { owner, requester: isOurs ? undefined : principal }, [])
    },
    find: beginnings.find,
    authorize: async (id, person) => {
      const begun = await beginnings.find(id)
      if (!begun) throw stale()
      if (begun.requester !== undefined && begun.requester !== person.principal) throw foreign()
      const server = known(begun.server)
      try {
        return await send(rooms, server, begun, person)
      } catch (thrown) {
        throw await explained(rooms.log, server, thrown)
      }
    },
    finish: async (query, person) => {
      const connected = await finish(rooms, query, person)
      for (const hear of listeners) hear(connected)
      return connected
    },
    onConnected: (hear) => {
      listeners.add(hear)
      return () => {
        listeners.delete(hear)
      }
    },
  }
}

/** What an operator typed may be a server that asks for nothing, or none. */
function knownOr({ known, has }: ConnectRooms, id: string): Known {
  if (has(id)) return known(id)
  throw new Fault('connection/unknown', `No server "${id}" asks for a connection.`)
}
