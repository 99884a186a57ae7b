import type { JsonObject } from '@countersign/contract'
import type { About, AboutBook } from './about.ts'
import { CLOUDEVENTS_TYPE, toCloudEvent } from './cloud-event.ts'
import type { Event, Format } from './event.ts'
import { toOcsf } from './ocsf.ts'

/** Puts events into the words of whoever is told. */
export interface Renderer {
  readonly about: AboutBook['of']
  /** The same for the same event for ever: what repeats is known by it. */
  readonly idOf: (event: Event) => string
  readonly render: (format: Format, event: Event, about: About) => JsonObject
}

export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  countersign: 'application/json',
  cloudevents: CLOUDEVENTS_TYPE,
  ocsf: 'application/json',
}

/** `origin` is the name of the ledger, as in its checkpoints. */
export function makeRenderer({ of }: AboutBook, origin: string): Renderer {
  // No full stop: a signature is over `id.timestamp.body` (Standard Webhooks, Signature scheme).
  const idOf = ({ seq, at, kind }: Event): string =>
    `evt_${origin}_${seq === undefined ? `${kind}-${String(at)}`.replaceAll('.', '-') : String(seq)}`
  return {
    about: of,
    idOf,
    render: (format, event, about) => {
      switch (format) {
        case 'countersign':
          return plain(event)
        case 'cloudevents':
          return toCloudEvent(event, idOf(event), origin)
        case 'ocsf':
          return toOcsf(event, about, { id: idOf(event), origin })
      }
    },
  }
}

/** The entry as `countersign log --json` has it. */
const plain = ({ seq, at, kind, call, body }: Event): JsonObject => ({
  ...(seq === undefined ? {} : { seq }),
  at,
  kind,
  ...(call === undefined ? {} : { call }),
  body,
})
