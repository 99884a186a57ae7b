import {
  META,
  type ClientCapabilities,
  type JsonObject,
  type Revision,
} from '@countersign/contract'
import { GATEWAY } from './link.ts'

/** What every modern request carries (V-040): the claim, what may be asked back, and who we are. */
export const envelope = (revision: Revision, capabilities: ClientCapabilities): JsonObject => ({
  [META.protocolVersion]: revision,
  // Exactly what the client of this call can do: not more, not less (V-051).
  [META.clientCapabilities]: { ...capabilities },
  [META.clientInfo]: GATEWAY,
})
