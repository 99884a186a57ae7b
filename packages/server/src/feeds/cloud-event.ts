import type { JsonObject } from '@countersign/contract'
import type { Event } from './event.ts'

export const CLOUDEVENTS_TYPE = 'application/cloudevents+json'

/**
 * The JSON envelope of CloudEvents 1.0.2. `source` is the name of the ledger, as in its checkpoints; with
 * the `id` it names the event once in the world (CloudEvents §3.1). `sequence` is the extension of that
 * name: the place in the ledger, with zeros in front, so that it sorts as text.
 */
export function toCloudEvent(event: Event, id: string, origin: string): JsonObject {
  const { seq, at, kind, call, body } = event
  return {
    specversion: '1.0',
    id,
    source: origin,
    type: `dev.countersign.${kind}.v1`,
    time: new Date(at).toISOString(),
    ...(call === undefined ? {} : { subject: call }),
    ...(seq === undefined ? {} : { sequence: String(seq).padStart(SEQUENCE_DIGITS, '0') }),
    datacontenttype: 'application/json',
    data: body,
  }
}

const SEQUENCE_DIGITS = 16
