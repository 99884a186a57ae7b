import { own, type Admin } from '@countersign/contract'
import type { AdminRooms } from './make-admin.ts'

type Server = Awaited<ReturnType<Admin['listServers']>>[number]

/** Every server: how it is, what it said of itself, and what is wrong with it. */
export function listServers({ upstreams, catalog }: AdminRooms): Server[] {
  return [...upstreams].map(([id, upstream]) => {
    const { state, introduction, pid, restarts, inFlight, problem } = upstream.status()
    const listed = catalog.listed(id)
    const known = introduction ?? listed.introduction
    const said = (key: string): string | undefined => {
      const value = known && own(known.serverInfo, key)
      return typeof value === 'string' ? value : undefined
    }
    const name = said('name')
    const version = said('version')
    return {
      id,
      state,
      ...(known ? { era: known.era, revision: known.revision } : {}),
      ...(name === undefined ? {} : { name }),
      ...(version === undefined ? {} : { version }),
      ...(pid === undefined ? {} : { pid }),
      restarts,
      inFlight,
      tools: listed.definitions.tool.length,
      ...(problem === undefined ? {} : { problem }),
      problems: [...listed.problems],
    }
  })
}
