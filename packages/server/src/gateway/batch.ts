import { Fault, type RequestId, type Shape } from '@countersign/contract'
import type { Session } from './session.ts'

/** A batch is answered as a whole, so it is kept small (H-062). */
const BATCH_MAX = 100

/** What is wrong with a batch as a whole, or undefined (2025-03-26 Batching). */
export function batchFault(session: Session, shapes: readonly Shape[]): Fault | undefined {
  if (session.facts.revision !== '2025-03-26') {
    return new Fault('rpc/invalid', 'Batches are not part of this revision.')
  }
  if (shapes.length > BATCH_MAX) {
    return new Fault('rpc/invalid', `At most ${String(BATCH_MAX)} messages in a batch.`)
  }
  const requests = shapes.flatMap((shape) => (shape.kind === 'request' ? [shape.message] : []))
  const ids = new Set<RequestId>(requests.map(({ id }) => id))
  if (ids.size < requests.length) return new Fault('rpc/invalid', 'Two requests share an id.')
  return requests.some(({ method }) => method === 'initialize')
    ? new Fault('rpc/invalid', 'initialize cannot be part of a batch.')
    : undefined
}
