import { RPC, type Fault, type JsonObject, type RpcError } from '@countersign/contract'
import type { Answer } from './flight.ts'
import type { Hop } from './link.ts'
import { resultOf } from './read-reply.ts'
import { upstreamFault } from './upstream-fault.ts'

/**
 * What a server says about a task that it does not know (TL-024, TX-024), or when it knows nothing of
 * tasks any more.
 */
const isGone = ({ code }: RpcError): boolean =>
  code === RPC.invalidParams || code === RPC.methodNotFound

/** The result of a request about a task; undefined when the task is gone. */
export function taskResult(hop: Hop, method: string, answer: Answer): JsonObject | undefined {
  const said = resultOf(answer)
  if (said.kind === 'result') return said.result
  if (isGone(said.error)) return undefined
  throw refused(hop, method, said.error)
}

/** Its message may hold anything, so it is not repeated. */
export const refused = ({ server }: Hop, method: string, { code }: RpcError): Fault =>
  broken(server, `refused ${method} (${code}).`)

export const broken = (server: string, what: string): Fault =>
  upstreamFault('upstream/broken', server, what)
