import { isObject, own, textAt, toFault, type JsonObject } from '@countersign/contract'
import type { Principal } from '#auth'
import type { Catalog, View } from '#registry'
import type { Outcome } from '#tasks'
import type { Upstream } from '#upstream'
import type { Asked } from './asked.ts'
import { withPage, type ConnectPages } from './connect-pages.ts'
import { inWords } from './words.ts'

/** What a server that nobody has connected offers is not known: this is how its first user gets there. */
const NAME = 'countersign_connect'

export const isConnectTool = ({ method, params }: Pick<Asked, 'method' | 'params'>): boolean =>
  method === 'tools/call' && textAt(params, 'name') === NAME

interface Rooms {
  readonly catalog: Catalog
  readonly upstream: (server: string, who: Principal) => Upstream
  readonly connects: ConnectPages
}

/** Shown while something of a view is left out for want of a connection, and then no more. */
export function connectDefinitions(
  { catalog, upstream }: Omit<Rooms, 'connects'>,
  view: View,
  who: Principal,
): readonly JsonObject[] {
  const servers = view.servers.filter(
    (id) =>
      catalog.listed(id).capturedAt === undefined &&
      upstream(id, who).status().isUnconnected === true,
  )
  if (servers.length === 0) return []
  const description = `Connects a server to an account of the user, so that its tools can be listed and used: ${servers.join(', ')}. Gives a page for the user to open; runs nothing by itself.`
  return [
    {
      name: NAME,
      title: 'Connect a server',
      description,
      inputSchema: {
        type: 'object',
        properties: { server: { type: 'string', enum: servers } },
        required: ['server'],
      },
      annotations: {
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
  ]
}

/** What it comes to: words, or the page that has to be opened first. */
export async function connectByTool(
  rooms: Rooms,
  { view, params }: Asked,
  who: Principal,
): Promise<{ readonly words: JsonObject } | { readonly outcome: Outcome }> {
  const given = own(params, 'arguments')
  const server = isObject(given) ? textAt(given, 'server') : ''
  if (!view.servers.includes(server)) {
    return { words: inWords(`There is no server "${server.slice(0, 80)}" here.`, true) }
  }
  try {
    const upstream = rooms.upstream(server, who)
    await upstream.introduce()
    await rooms.catalog.ensure(upstream)
    return { words: inWords(`${server} is connected. List the tools again to see what it offers.`) }
  } catch (thrown) {
    return {
      outcome: await withPage(rooms.connects, who, { kind: 'refused', fault: toFault(thrown) }),
    }
  }
}
