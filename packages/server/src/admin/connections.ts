import type { Admin } from '@countersign/contract'
import type { ConnectionDesk } from '#vault'

type ConnectionOperation =
  | 'listConnections'
  | 'beginConnection'
  | 'removeConnection'
  | 'rekeyConnections'

/** What is done about credentials for servers behind us. */
export const connectionOperations = (desk: ConnectionDesk): Pick<Admin, ConnectionOperation> => ({
  listConnections: async () =>
    (await desk.list()).map(({ owner, clientId, expiresAt, scopes, ...line }) => ({
      ...line,
      client: clientId,
      scopes: [...scopes],
      ...(owner === '' ? {} : { principal: owner }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    })),
  beginConnection: async ({ server, principal }) => ({ url: await desk.begin(server, principal) }),
  removeConnection: async ({ server, principal }) => ({
    server,
    isRevoked: await desk.remove(server, principal),
  }),
  rekeyConnections: async () => ({ count: await desk.rekey() }),
})
