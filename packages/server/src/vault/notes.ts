import type { Note as LedgerNote } from '@countersign/contract/ledger/entries'
import { digestOf } from '#base'
import type { Credential } from './cabinet.ts'

/** Writes into the ledger what became of a credential: whose, from whom, for what; never a token. */
export type Note = (kind: CredentialEvent, credential: Credential) => void

type CredentialEvent =
  | 'credential.connected'
  | 'credential.obtained'
  | 'credential.renewed'
  | 'credential.lost'
  | 'credential.removed'

interface Noting {
  readonly note: LedgerNote
}

export const noteInto =
  (ledger: Noting): Note =>
  (kind, { server, owner, issuer, resource, tokens }) => {
    const { clientId: client, scopes, accessToken } = tokens
    const token = fingerprintOf(accessToken)
    const about = { server, principal: owner, issuer, resource, client, scopes: [...scopes], token }
    void ledger.note(kind, about)
  }

const HEX_SHOWN = 32

/** Names a token where the token must not be. */
export const fingerprintOf = (token: string): string =>
  digestOf(token).slice(0, 'sha256:'.length + HEX_SHOWN)
