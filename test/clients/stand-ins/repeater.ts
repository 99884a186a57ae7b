import type { Json } from '../model/wire.ts'
import type { Seen, StandIn } from './stand-in.ts'

/**
 * What an impatient model does, and a framework that lost its connection: the same call again, with
 * the same arguments, while the first is still open.
 */
export async function callTwice(
  client: StandIn,
  tool: string,
  args: Json,
): Promise<readonly [Seen, Seen]> {
  const open = Promise.withResolvers<void>()
  const first = client.call(tool, args, open.resolve)
  await Promise.race([open.promise, first])
  return Promise.all([first, client.call(tool, args)])
}
