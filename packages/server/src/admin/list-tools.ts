import { Fault, own, type Admin } from '@countersign/contract'
import { effectUnder } from '#registry'
import type { AdminRooms } from './make-admin.ts'

type Tool = Awaited<ReturnType<Admin['listTools']>>[number]

/** How long a silent server is waited for; the others are listed without it. */
const PATIENCE_MS = 15_000

/** The tools of one view, as a client of it sees them, with their digest and effect class. */
export async function listTools(
  { world, views, catalog, rules, upstreams }: AdminRooms,
  id: string,
): Promise<Tool[]> {
  const view = views.find(id)
  if (!view) throw new Fault('http/not-found', `There is no view "${id}".`)
  // A server that cannot be reached shows in listServers; its tools are just not here.
  const here = view.servers.flatMap((server) => upstreams.get(server) ?? [])
  await Promise.race([
    Promise.allSettled(here.map((upstream) => catalog.ensure(upstream))),
    world.wait(PATIENCE_MS),
  ])
  return view.list('tool').map(({ name, definition, body }) => {
    const description = own(body, 'description')
    const inputSchema = own(body, 'inputSchema')
    return {
      name,
      server: definition.server,
      original: definition.name,
      kind: definition.kind,
      effect: effectUnder(rules, definition),
      digest: definition.digest,
      ...(typeof description === 'string' ? { description } : {}),
      ...(inputSchema === undefined
        ? {}
        : { inputSchema: JSON.parse(JSON.stringify(inputSchema)) }),
    }
  })
}
