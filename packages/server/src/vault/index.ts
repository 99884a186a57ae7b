/** vault: what we show to servers behind us: their tokens, per principal, sealed. */
export { hasCredentials } from './cabinet.ts'
export type { CredentialLine } from './cabinet.ts'
export type { Connect } from './connect.ts'
export type { Connected, Connecting, Connection } from './connecting.ts'
export { connectionDesk } from './desk.ts'
export type { ConnectionDesk } from './desk.ts'
export { makeVault } from './make-vault.ts'
export type { OpenVault, VaultRooms } from './make-vault.ts'
export { openMaster } from './master-key.ts'
export {
  CALLBACK_PATH,
  CLIENT_JWKS_PATH,
  CLIENT_PATH,
  ownClientAt,
  ownDocument,
  PUBLIC_CLIENT_PATH,
} from './own-client.ts'
export type {
  Identities,
  OwnClient,
  ProtectedServer,
  ServerAuth,
  Source,
  VaultSettings,
} from './settings.ts'
export type { Refusal, Shown, Vault } from './vault.ts'
