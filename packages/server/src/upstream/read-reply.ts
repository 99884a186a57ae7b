import type { RpcError } from '@countersign/contract'
import type { Answer } from './flight.ts'
import type { Reply } from './upstream.ts'

/** The result of an answer, or the fault that took its place. */
export function resultOf(answer: Answer): Extract<Answer, { kind: 'result' | 'error' }> {
  if (answer.kind === 'lost') throw answer.fault
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

/** What a server without completions would say if it had none to offer. */
export const NO_COMPLETIONS: Reply = { kind: 'result', result: { completion: { values: [] } } }
