import type { Json } from '../model/wire.ts'
import type { Seen, StandIn } from './stand-in.ts'

/**
 * What an impatient model does, and a framework that believes its connection lost: the same call
 * again, with the same arguments, while the first request is still held. `isTime` says when.
 */
export async function callTwice(
  client: StandIn,
  tool: string,
  args: Json,
  isTime: () => Promise<void>,
): Promise<readonly [Seen, Seen]> {
  const first = client.call(tool, args)
  await Promise.race([isTime(), first])
  return Promise.all([first, client.call(tool, args)])
}
