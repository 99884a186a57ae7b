import { RPC, type RpcError } from '@countersign/contract'
import type { Answer } from './flight.ts'
import { upstreamFault } from './upstream-fault.ts'
import type { Reply } from './upstream.ts'

/** The result of an answer, or the fault that took its place. */
export function resultOf(
  server: string,
  answer: Answer,
): Extract<Answer, { kind: 'result' | 'error' }> {
  if (answer.kind === 'lost') throw answer.fault
  // A statement about this hop, which no client can do anything about (H-092): nothing was executed.
  if (answer.kind === 'error' && answer.error.code === RPC.unsupportedVersion) {
    throw upstreamFault('upstream/unavailable', server, 'no longer speaks the revision it did.')
  }
  return answer
}

/** An error as every caller gets it: the three members that JSON-RPC knows. */
export const errorReply = ({ code, message, data }: RpcError): Reply => ({
  kind: 'error',
  error: {
    code,
    message: typeof message === 'string' ? message : '',
    ...(data === undefined ? {} : { data }),
  },
})

/** What a server without completions would say if it had none to offer (11.2). */
export const NO_COMPLETIONS: Reply = { kind: 'result', result: { completion: { values: [] } } }
